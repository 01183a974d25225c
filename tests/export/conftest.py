"""A small network with lively weights, its checkpoint, and an export of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.categories import Category
from sparseinst.data.config import InputConfig
from sparseinst.export.export import ExportOptions, export
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from sparseinst.training.checkpoint import Checkpoint, save_checkpoint

CONFIG = RunConfig(
    model=ModelConfig(
        backbone="resnet18",
        backbone_width=8,
        norm="bn",
        encoder_channels=16,
        num_masks=12,
        instance_dim=16,
        mask_dim=16,
    ),
    input=InputConfig(short_side=64, longest_side=96),
)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with lively random weights: untrained ones would give flat masks, which prove nothing."""
    torch.manual_seed(0)
    model = SparseInst(CONFIG.model, num_classes=2)
    with torch.no_grad():
        model.decoder.inst_branch.iam_conv.weight.normal_(std=0.5)
        model.decoder.inst_branch.mask_kernel.weight.normal_(std=0.5)
        model.decoder.inst_branch.cls_score.weight.normal_(std=0.5)
    path = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    save_checkpoint(path, Checkpoint(model.state_dict(), CONFIG, [Category(1, "disc"), Category(4, "ring")], 7))
    return path


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the checkpoint, under the name "shapes"."""
    output = tmp_path_factory.mktemp("export") / "out"
    export(checkpoint, output, ExportOptions(name="shapes"))
    return output
