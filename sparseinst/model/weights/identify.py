"""Which of the published configurations a state dict belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from sparseinst.config import config_names, load_config
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from sparseinst.model.weights.layouts import recognise
from sparseinst.model.weights.loading import fit_weights

_PUBLISHED = "sparse_inst_"


def identify(state: Mapping[str, Tensor]) -> list[str]:
    """The published configurations whose names and shapes these are, the number of classes aside.

    Configurations that differ only in how they are trained (…_aug, …_fp16) come after the plain one. Nothing fits a
    mere backbone.

    Raises:
        SparseInstError: The state dict's layout is not known.
    """
    if recognise(state).is_backbone:
        return []
    verdicts: dict[ModelConfig, bool] = {}
    found = []
    for name in config_names():
        if not name.startswith(_PUBLISHED):
            continue
        config = load_config(name).model
        architecture = dataclasses.replace(config, name="")
        if architecture not in verdicts:
            verdicts[architecture] = not fit_weights(shapes_of(config), state).problems
        if verdicts[architecture]:
            found.append(name)
    return sorted(found, key=len)


def shapes_of(config: ModelConfig, num_classes: int = 1) -> dict[str, Tensor]:
    """The state dict of a network without its values: its tensors are on the meta device, so that it comes at once."""
    with torch.device("meta"):
        return SparseInst(config, num_classes).state_dict()
