"""3x3 convolutions with a quarter of the multiplications: Winograd's minimal filtering, F(4 x 4, 3 x 3).

Legend: n images, C and D input and output channels, H and W the sides of the map, T tiles of 4 x 4 outputs.

Source:
    Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, section 4.3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_TILE = 4  # outputs a side
_PATCH = 6  # inputs that they depend on, a side
_MOST_TILES = 400  # at a time: with more, buffers outgrow the caches and what the allocator keeps at hand

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
        transform = torch.tensor(_WEIGHT, dtype=torch.float64)
        spread = torch.einsum("ij,dcjk,lk->ilcd", transform, weight.double(), transform)
        self.register_buffer("weight", spread.flatten(0, 1).float().contiguous())  # [36, C, D]
        self.register_buffer("matrix_in", torch.tensor(_INPUT, dtype=torch.float32))
        self.register_buffer("matrix_out", torch.tensor(_OUTPUT, dtype=torch.float32))
        self.bias, self.relu = bias, relu

    def forward(self, x: Tensor) -> Tensor:
        """[n, C, H, W] to [n, D, H, W], channels last in memory."""
        images, _, height, width = x.shape
        down, across = -(-height // _TILE), -(-width // _TILE)
        band = max(1, _MOST_TILES // across)  # rows of tiles that are worked on at a time
        out = x.new_empty(images, down * _TILE, across * _TILE, self.weight.shape[2])
        for pixels, result in zip(x.permute(0, 2, 3, 1), out, strict=True):
            padded = F.pad(pixels, (0, 0, 1, across * _TILE - width + 1, 1, down * _TILE - height + 1))
            for first in range(0, down, band):
                rows = padded[first * _TILE : min(first + band, down) * _TILE + 2]
                self._convolve(rows, result[first * _TILE : (first + band) * _TILE])
        out = out[:, :height, :width].contiguous()
        if self.bias is not None:
            out = out.add_(self.bias)
        if self.relu:
            out = out.relu_()
        return out.permute(0, 3, 1, 2)

    def _convolve(self, rows: Tensor, out: Tensor) -> None:
        """Rows of a padded map, [4 t + 2, 4 u + 2, C], to t times u tiles of the result, [4 t, 4 u, D]."""
        channels = rows.shape[2]
        # Patches of 6 rows at every fourth row, transformed; then the same along the columns.
        patches = rows.unfold(0, _PATCH, _TILE).permute(0, 3, 1, 2)
        down = len(patches)
        patches = torch.matmul(self.matrix_in, patches.reshape(down, _PATCH, -1)).view(down, _PATCH, -1, channels)
        patches = patches.unfold(2, _PATCH, _TILE).permute(0, 1, 2, 4, 3)
        across = patches.shape[2]
        patches = torch.matmul(self.matrix_in, patches.reshape(-1, _PATCH, channels))
        patches = patches.view(down, _PATCH, across, _PATCH, channels).permute(1, 3, 0, 2, 4)
        products = torch.bmm(patches.reshape(_PATCH * _PATCH, -1, channels), self.weight)  # all the multiplications
        tiles = torch.matmul(self.matrix_out, products.view(_PATCH, -1)).view(_TILE, _PATCH, -1)
        tiles = torch.matmul(self.matrix_out, tiles).view(_TILE, _TILE, down, across, -1)
        out.view(down, _TILE, across, _TILE, -1).copy_(tiles.permute(2, 0, 3, 1, 4))


def suits_winograd(conv: nn.Conv2d) -> bool:
    """Whether it pays for a convolution: where there are few channels, the transforms cost more than they save."""
    plain = (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
    return plain and conv.groups == 1 and min(conv.in_channels, conv.out_channels) >= 128
