"""The decoder: an instance branch that finds objects, a mask branch that draws them.

Legend: B images, N queries, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.model.config import ModelConfig
from sparseinst.model.coordinates import append_coordinates
from sparseinst.model.initialisation import msra
from sparseinst.model.instance_branch import (
    GroupInstanceBranch,
    GroupSoftInstanceBranch,
    InstanceBranch,
    conv_stack,
)

_BRANCHES = {"base": InstanceBranch, "group": GroupInstanceBranch, "group_soft": GroupSoftInstanceBranch}


class MaskBranch(nn.Module):
    """[B, C, h, w] to mask features [B, kernel_dim, h, w]."""

    def __init__(self, inputs: int, *, dim: int, convs: int, kernel_dim: int) -> None:
        super().__init__()
        self.mask_convs = conv_stack(inputs, dim, convs)
        self.projection = nn.Conv2d(dim, kernel_dim, 1)
        msra(self.projection)

    def forward(self, x: Tensor) -> Tensor:
        return self.projection(self.mask_convs(x))


class Decoder(nn.Module):
    """The encoder's map to class logits [B, N, K], objectness logits [B, N, 1], mask logits [B, N, H / 4, W / 4]."""

    def __init__(self, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        inputs = config.encoder_channels + 2  # two coordinate channels
        self.inst_branch = _BRANCHES[config.decoder](inputs, config, num_classes)
        self.mask_scale = float(config.mask_scale)
        self.mask_branch = MaskBranch(
            inputs, dim=config.mask_dim, convs=config.mask_convs, kernel_dim=config.kernel_dim
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = append_coordinates(features)
        logits, kernels, objectness = self.inst_branch(x)
        mask_features = self.mask_branch(x)
        batch, _, height, width = mask_features.shape
        masks = torch.bmm(kernels.to(mask_features.dtype), mask_features.flatten(2)).view(batch, -1, height, width)
        # Drawn at stride 8; enlarged to stride 4, unless the configuration wants it otherwise.
        masks = F.interpolate(masks, scale_factor=self.mask_scale, mode="bilinear", align_corners=False)
        return logits, objectness, masks
