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
    y = torch.linspace(-1, 1, height, device=x.device, dtype=torch.float32)
    x_ = torch.linspace(-1, 1, width, device=x.device, dtype=torch.float32)
    grid = torch.stack([x_[None, :].expand(height, width), y[:, None].expand(height, width)])
    return torch.cat([grid.to(x.dtype)[None].expand(batch, 2, height, width), x], dim=1)
