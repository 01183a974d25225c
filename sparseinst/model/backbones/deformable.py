"""Deformable convolution, version 1: each tap of the kernel looks where an offset tells it to.

Legend: B images, C and D input and output channels, T = k * k taps of the kernel in row-major order, H and W the sides
of the input, h and w those of the output.

Source:
    Dai et al., "Deformable Convolutional Networks", ICCV 2017. Offsets are ordered as in detectron2 and torchvision:
    channel 2 t is the shift of tap t down, channel 2 t + 1 its shift to the right, in pixels of the input.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.model.backbones.norm import make_norm


def deform_conv2d(x: Tensor, offsets: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """[B, C, H, W] to [B, D, h, w], in plain PyTorch operations that run, train and export everywhere.

    Tap after tap is added up, so that no copy of the input for each tap has to be kept.

    Args:
        x: [B, C, H, W]. Outside the image is 0; positions between pixels are interpolated bilinearly.
        offsets: [B, 2 T, h, w].
        weight: [D, C, k, k].
    """
    # grid_sample counts from -1 to 1 over the pixel centres, which takes two of them: another row of outside is added.
    x = F.pad(x.float(), [0, max(0, 2 - x.shape[3]), 0, max(0, 2 - x.shape[2])])
    kernel = weight.shape[2]
    # Positions in float32: in half precision a pixel far from the corner would lose its fraction.
    rows = torch.arange(offsets.shape[2], device=x.device, dtype=torch.float32)[:, None] * stride - padding
    columns = torch.arange(offsets.shape[3], device=x.device, dtype=torch.float32) * stride - padding
    total = torch.zeros([], dtype=weight.dtype, device=x.device)
    for i in range(kernel):
        for j in range(kernel):
            tap = i * kernel + j
            down = (rows + i) + offsets[:, 2 * tap].float()
            right = (columns + j) + offsets[:, 2 * tap + 1].float()
            grid = torch.stack([2 * right / (x.shape[3] - 1) - 1, 2 * down / (x.shape[2] - 1) - 1], dim=-1)
            seen = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
            total = total + torch.einsum("bchw,dc->bdhw", [seen.to(weight.dtype), weight[:, :, i, j]])
    return total


class DeformConv2d(nn.Module):
    """The convolution without bias; its offsets come from a layer of their own, beside it in the block.

    In eager mode torchvision's compiled operator does the work where it is installed. An exported program always
    holds the plain operations, so that it loads without torchvision.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.padding = stride, kernel // 2
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        return self.convolve(x, offsets)

    def convolve(self, x: Tensor, offsets: Tensor) -> Tensor:
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return deform_conv2d(x, offsets, self.weight, self.stride, self.padding)
        return self._quickest(x, offsets)

    @torch.jit.unused
    def _quickest(self, x: Tensor, offsets: Tensor) -> Tensor:
        if torch.compiler.is_exporting() or not has_compiled_operator():
            return deform_conv2d(x, offsets, self.weight, self.stride, self.padding)
        from torchvision.ops import deform_conv2d as compiled

        return compiled(x, offsets.to(x.dtype), self.weight.to(x.dtype), stride=self.stride, padding=self.padding)


class DeformConvNorm(DeformConv2d):
    """The convolution with its norm, named as in `ConvNorm`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, norm: str) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride)
        self.norm = make_norm(norm, outputs)

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        return self.norm(self.convolve(x, offsets))


def offset_conv(inputs: int, kernel: int, stride: int) -> nn.Conv2d:
    """The layer that computes the offsets of a k x k deformable convolution; it starts with none (all 0)."""
    conv = nn.Conv2d(inputs, 2 * kernel * kernel, kernel, stride=stride, padding=kernel // 2)
    nn.init.zeros_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv


@cache
def has_compiled_operator() -> bool:
    """Whether torchvision's operator can be called: not beside a CPU-only torch, whose torchvision is a CUDA build."""
    try:
        from torchvision.extension import _has_ops
    except (ImportError, RuntimeError):
        return False
    return bool(_has_ops())
