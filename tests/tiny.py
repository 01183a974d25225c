"""A network small enough for tests."""

from __future__ import annotations

from sparseinst.model.config import ModelConfig

TINY = ModelConfig(
    name="tiny",
    backbone="resnet18",
    backbone_width=8,
    encoder_channels=16,
    num_masks=6,
    kernel_dim=8,
    instance_dim=16,
    instance_convs=1,
    mask_dim=16,
    mask_convs=1,
)
