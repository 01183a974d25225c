"""A norm with fixed statistics is one scale and one shift a channel: the convolution before it can take them in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparseinst.model.backbones.norm import FrozenBatchNorm2d

Norm = FrozenBatchNorm2d | nn.BatchNorm2d


def fold(weight: Tensor, bias: Tensor | None, norm: Norm | None) -> tuple[Tensor, Tensor | None]:
    """A convolution's weight [D, C, k, k] and bias [D] (or None) with the norm after it taken in, float32."""
    if norm is None:
        return weight.detach(), None if bias is None else bias.detach()
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    folded = shift if bias is None else shift + bias * scale
    return (weight * scale[:, None, None, None]).detach(), folded.detach()
