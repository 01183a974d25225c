"""3x3 convolutions with a quarter of the multiplications: Winograd's minimal filtering, F(4 x 4, 3 x 3).

Legend: n images, C and D input and output channels, H and W the sides of the map, T tiles of 4 x 4 outputs.

Source:
    Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, section 4.3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The transforms of inputs, weights and outputs, for the interpolation points 0, 1, -1, 2, -2 and infinity.
_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_WEIGHT = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


class WinogradConv(nn.Module):
    """activation(conv(x) + bias) for a 3x3 convolution of stride 1 and padding 1, in float32.

    Its rounding errors are some four times those of a plain convolution, and its weights take four times the memory.
    """

    matrix_in: Tensor
    matrix_out: Tensor
    weight: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, *, relu: bool) -> None:
        """`weight` is [D, C, 3, 3], `bias` [D]."""
        super().__init__()
        spread = torch.matmul(weight_transform(torch.float64), taps_first(weight).double())
        self.register_buffer("weight", spread.view(36, weight.shape[1], weight.shape[0]).float())
        self.register_buffer("matrix_in", input_transform())
        self.register_buffer("matrix_out", output_transform())
        self.bias, self.relu = bias, relu

    def forward(self, x: Tensor) -> Tensor:
        """[n, C, H, W] to [n, D, H, W], channels last in memory."""
        return winograd(x, self.weight, self.bias, self.matrix_in, self.matrix_out, self.relu)


def winograd(
    x: Tensor, weight: Tensor, bias: Tensor | None, matrix_in: Tensor, matrix_out: Tensor, relu: bool
) -> Tensor:
    """The convolution as a function for TorchScript: [n, C, H, W] to [n, D, H, W], channels last in memory.

    Args:
        x: float32.
        weight: The transformed weights, [36, C, D].
        bias: [D], or None.
        matrix_in: `input_transform()`.
        matrix_out: `output_transform()`.
        relu: Whether negative results become 0.
    """
    most_tiles = 400  # at a time: with more, buffers outgrow the caches and what the allocator keeps at hand
    height, width = x.shape[2], x.shape[3]
    down, across = (height + 3) // 4, (width + 3) // 4
    band = max(1, most_tiles // across)  # rows of tiles that are worked on at a time
    out = torch.empty([x.shape[0], down * 4, across * 4, weight.shape[2]], dtype=x.dtype, device=x.device)
    for index in range(x.shape[0]):
        padded = F.pad(x[index].permute(1, 2, 0), [0, 0, 1, across * 4 - width + 1, 1, down * 4 - height + 1])
        for first in range(0, down, band):
            last = min(first + band, down)
            rows = padded[first * 4 : last * 4 + 2]
            _convolve(rows, out[index, first * 4 : last * 4], weight, matrix_in, matrix_out)
    out = out[:, :height, :width].contiguous()
    if bias is not None:
        out = out.add_(bias)
    if relu:
        out = out.relu_()
    return out.permute(0, 3, 1, 2)


def _convolve(rows: Tensor, out: Tensor, weight: Tensor, matrix_in: Tensor, matrix_out: Tensor) -> None:
    """Rows of a padded map, [4 t + 2, 4 u + 2, C], to t times u tiles of the result, [4 t, 4 u, D].

    A tile is 4 outputs a side, and they depend on a patch of 6 inputs a side.
    """
    channels = rows.shape[2]
    # Patches of 6 rows at every fourth row, transformed; then the same along the columns.
    patches = rows.unfold(0, 6, 4).permute(0, 3, 1, 2)
    down = patches.shape[0]
    patches = torch.matmul(matrix_in, patches.reshape(down, 6, -1)).view(down, 6, -1, channels)
    patches = patches.unfold(2, 6, 4).permute(0, 1, 2, 4, 3)
    across = patches.shape[2]
    patches = torch.matmul(matrix_in, patches.reshape(-1, 6, channels))
    patches = patches.view(down, 6, across, 6, channels).permute(1, 3, 0, 2, 4)
    products = torch.bmm(patches.reshape(36, -1, channels), weight)  # all the multiplications
    tiles = torch.matmul(matrix_out, products.view(6, -1)).view(4, 6, -1)
    tiles = torch.matmul(matrix_out, tiles).view(4, 4, down, across, -1)
    out.view(down, 4, across, 4, -1).copy_(tiles.permute(2, 0, 3, 1, 4))


def taps_first(weight: Tensor) -> Tensor:
    """Weights [D, C, 3, 3] as a matrix [9, C * D]: what `weight_transform` is multiplied with."""
    return weight.permute(2, 3, 1, 0).reshape(9, -1).contiguous()


def weight_transform(dtype: torch.dtype = torch.float32) -> Tensor:
    """[36, 9]: from the 9 taps of a kernel to its 36 weights."""
    transform = torch.tensor(_WEIGHT, dtype=torch.float64)
    return torch.kron(transform, transform).to(dtype)


def input_transform() -> Tensor:
    """float32 [6, 6]: a column of a patch to what is multiplied."""
    return torch.tensor(_INPUT, dtype=torch.float32)


def output_transform() -> Tensor:
    """float32 [4, 6]: products to the column of a tile."""
    return torch.tensor(_OUTPUT, dtype=torch.float32)


def suits_winograd(conv: nn.Conv2d) -> bool:
    """Whether it pays for a convolution: where there are few channels, the transforms cost more than they save."""
    plain = (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
    return plain and conv.groups == 1 and min(conv.in_channels, conv.out_channels) >= 128
