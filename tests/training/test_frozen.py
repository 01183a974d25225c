"""Stages that do not learn stay as they are to the last bit, norms' statistics included; all others learn."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from sparseinst.config import load_config
from sparseinst.errors import ConfigError
from sparseinst.model.backbones.build import build_backbone
from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.config import TrainConfig
from sparseinst.training.frozen import freeze_stages
from sparseinst.training.train import train
from tests.training.recipe import recipe

FAMILIES = ["r18_giam", "r50_giam", "r50vd_dcn_giam", "pvt_b1_giam", "cspdarknet53_giam", "darknet53_giam"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_backbone_can_be_frozen_from_the_image_on(family: str) -> None:
    backbone = build_backbone(load_config(f"sparse_inst_{family}").model)
    learning = []
    for count in range(6):
        freeze_stages(backbone, count)
        learning.append([name for name, parameter in backbone.named_parameters() if parameter.requires_grad])
    names = [name for name, _ in backbone.named_parameters()]
    assert learning[0] == names
    assert learning[5] == []
    for before, after in itertools.pairwise(learning):
        assert len(after) < len(before)
        assert names.index(after[0]) > names.index(before[0]) if after else True


@pytest.mark.parametrize("norm", ["frozen_bn", "bn"])
def test_what_is_frozen_does_not_move(sample: Path, tmp_path: Path, norm: str) -> None:
    train(sample, tmp_path, recipe(frozen_stages=2, checkpoint_every=3, keep_states=5, norm=norm))
    early, late = (load_checkpoint(next((tmp_path / "state").glob(f"0000000{n}-*"))).weights for n in (3, 6))
    for name in early:
        is_frozen = name.startswith(("backbone.stem.", "backbone.res2."))
        is_weight = name.endswith("conv1.weight")
        if is_frozen:
            assert torch.equal(early[name], late[name]), name
        elif is_weight or name.startswith("encoder.fusion"):
            assert not torch.equal(early[name], late[name]), name


def test_a_number_of_stages_that_no_backbone_has_is_refused() -> None:
    with pytest.raises(ConfigError, match="6"):
        TrainConfig(frozen_stages=6)
