"""A convolution with what follows it done in the same pass over memory.

On a CPU a float32 ResNet-50 spends a quarter of its time on reading and writing maps for norms, ReLUs and sums, and on
bringing the weights of each convolution into oneDNN's own order again and again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAKY_SLOPE = 0.01


class FusedConv(nn.Module):
    """activation(conv(x) + bias [+ other]).

    On a CPU it calls the operators that torch.compile's CPU backend calls (torch.ops.mkldnn); elsewhere, or where these
    are missing, it does the same in plain steps.
    """

    def __init__(
        self,
        conv: nn.Conv2d,
        weight: Tensor,
        bias: Tensor | None,
        *,
        activation: str,
        dtype: torch.dtype,
    ) -> None:
        """`conv` gives the geometry, `weight` and `bias` the values.

        Args:
            activation: none, relu or leaky_relu.
            dtype: Of the weights and of the result.
        """
        super().__init__()
        self.activation, self.dtype = activation, dtype
        self.in_place = False  # whether the result may take the place of `other` in memory
        self.stride, self.dilation, self.groups = list(conv.stride), list(conv.dilation), conv.groups
        self.padding = [int(side) for side in conv.padding]
        self.weight = weight.to(dtype, memory_format=torch.channels_last)
        self.bias = None if bias is None else bias.to(dtype)
        self.is_fused = weight.device.type == "cpu" and has_fused_operators() and _can_pack(dtype)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        x = x.to(self.dtype)
        if not self.is_fused:
            return self._plain(x, other)
        if not self.weight.is_mkldnn:
            self._pack(x)
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        slopes = [LEAKY_SLOPE] if self.activation == "leaky_relu" else []
        operators: Any = torch.ops.mkldnn
        if other is None:
            return operators._convolution_pointwise(x, self.weight, self.bias, *geometry, self.activation, slopes, "")
        after = ("add", 1.0, None if self.activation == "none" else self.activation, slopes, "")
        if self.in_place:
            return operators._convolution_pointwise_.binary(other, x, self.weight, self.bias, *geometry, *after)
        return operators._convolution_pointwise.binary(x, other, self.weight, self.bias, *geometry, *after)

    def _pack(self, x: Tensor) -> None:
        """Brings the weights into the order that suits inputs like x; oneDNN reorders them itself for others."""
        reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
        weight = self.weight.contiguous().to_mkldnn()
        self.weight = reorder(weight, self.padding, self.stride, self.dilation, self.groups, list(x.shape))

    def _plain(self, x: Tensor, other: Tensor | None) -> Tensor:
        geometry = (tuple(self.stride), tuple(self.padding), tuple(self.dilation), self.groups)
        out = F.conv2d(x, self.weight, self.bias, *geometry)
        if other is not None:
            out = out.add_(other)
        if self.activation == "relu":
            return out.relu_()
        return F.leaky_relu_(out, LEAKY_SLOPE) if self.activation == "leaky_relu" else out


def _can_pack(dtype: torch.dtype) -> bool:
    """Whether oneDNN has this format on this CPU: for bf16 it wants AVX-512 at least."""
    supports_bf16: Any = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    return dtype != torch.bfloat16 or bool(supports_bf16())


def has_fused_operators() -> bool:
    """Whether this torch has oneDNN's fused convolutions; they are not part of its public interface."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise_")
