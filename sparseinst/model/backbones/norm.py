"""Batch normalisation as the backbones use it: frozen (published weights) or learned (training from scratch)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation with fixed statistics and a fixed affine map: four buffers, no gradient.

    Unlike `nn.BatchNorm2d` it has no `num_batches_tracked`, as in the authors' checkpoints.
    """

    weight: Tensor  # real types: TorchScript cannot read annotations that are kept as text
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            # As one scale and one shift: unlike F.batch_norm, the backward pass then needs no copy of x.
            scale = self.weight * (self.running_var + self.eps).rsqrt()
            shift = self.bias - self.running_mean * scale
            return x * scale.to(x.dtype)[:, None, None] + shift.to(x.dtype)[:, None, None]
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)


def make_norm(kind: str, channels: int) -> nn.Module:
    """The norm "frozen_bn" or "bn" for a number of channels."""
    return FrozenBatchNorm2d(channels) if kind == "frozen_bn" else nn.BatchNorm2d(channels)


class ConvNorm(nn.Conv2d):
    """A convolution without bias that owns its norm, so that parameters are named `conv.weight`, `conv.norm.weight`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, norm: str) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = make_norm(norm, outputs)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self._conv_forward(x, self.weight, self.bias))
