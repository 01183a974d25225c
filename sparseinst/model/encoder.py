"""The instance context encoder: a feature pyramid with pyramid pooling, fused into one map at stride 8.

Source:
    Cheng et al., "Sparse Instance Activation for Real-Time Instance Segmentation", CVPR 2022, section 3.3;
    hustvl/SparseInst a899015, sparseinst/encoder.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.model.initialisation import msra, xavier


class PyramidPooling(nn.Module):
    """Adds context of four extents to a map: it is pooled to 1, 2, 3 and 6 cells a side, and all are merged.

    Source:
        Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017.
    """

    def __init__(self, channels: int, sizes: Sequence[int] = (1, 2, 3, 6)) -> None:
        super().__init__()
        branch = channels // len(sizes)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(size), nn.Conv2d(channels, branch, 1)) for size in sizes
        )
        self.bottleneck = nn.Conv2d(channels + branch * len(sizes), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to the same shape."""
        size = [x.shape[2], x.shape[3]]
        context: list[Tensor] = []
        for stage in self.stages:
            context.append(_resize(F.relu(stage(x)), size))
        context.append(x)
        return F.relu(self.bottleneck(torch.cat(context, dim=1)))


class InstanceContextEncoder(nn.Module):
    """Three backbone maps to one map of `channels` at stride 8. Lists of modules run from coarse to fine."""

    def __init__(self, in_channels: Sequence[int], channels: int = 256) -> None:
        super().__init__()
        coarse_to_fine = list(reversed(in_channels))
        self.fpn_laterals = nn.ModuleList(nn.Conv2d(inputs, channels, 1) for inputs in coarse_to_fine)
        self.fpn_outputs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in coarse_to_fine)
        self.ppm = PyramidPooling(channels)
        self.fusion = nn.Conv2d(channels * len(coarse_to_fine), channels, 1)
        for layer in (*self.fpn_laterals, *self.fpn_outputs):
            xavier(layer)
        msra(self.fusion)

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Maps at strides 8, 16, 32 to [B, channels, H / 8, W / 8]."""
        fine_to_coarse = [features[0], features[1], features[2]]
        size = [features[0].shape[2], features[0].shape[3]]
        outputs: list[Tensor] = []
        merged = features[2]
        for index, (lateral, output) in enumerate(zip(self.fpn_laterals, self.fpn_outputs)):  # noqa: B905, TorchScript
            if index == 0:
                merged = self.ppm(lateral(fine_to_coarse[2]))
            else:
                merged = lateral(fine_to_coarse[2 - index]) + F.interpolate(merged, scale_factor=2.0, mode="nearest")
            outputs.append(output(merged))
        levels = [outputs[2], _resize(outputs[1], size), _resize(outputs[0], size)]
        return self.fusion(torch.cat(levels, dim=1))


def _resize(x: Tensor, size: list[int]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
