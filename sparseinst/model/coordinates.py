"""Two channels that tell each cell where it is, so that equal objects in different places can be told apart."""

from __future__ import annotations

import torch
from torch import Tensor


def append_coordinates(x: Tensor) -> Tensor:
    """[B, C, h, w] to [B, 2 + C, h, w]: first x, then y, both from -1 to 1 (ends included), then the features.

    Source:
        Liu et al., "An Intriguing Failing of Convolutional Neural Networks and the CoordConv Solution", 2018.
    """
    batch, _, height, width = x.shape
    rows, columns = _positions(height, x.device), _positions(width, x.device)
    grid = torch.stack([columns[None, :].expand(height, width), rows[:, None].expand(height, width)])
    return torch.cat([grid.to(x.dtype)[None].expand(batch, 2, height, width), x], dim=1)


def _positions(count: int, device: torch.device) -> Tensor:
    """`count` numbers from -1 to 1 in equal steps, float32; a single one is -1."""
    return 2.0 * torch.arange(count, device=device, dtype=torch.float32) / max(count - 1, 1) - 1.0
