"""Pictures to measure with: coarse and fine blocks and noise, as in the reference figures, so that much is found."""

from __future__ import annotations

import torch
from torch import Tensor


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    """uint8 RGB [3, height, width]."""
    generator = torch.Generator().manual_seed(seed)

    def blocks(cell: int) -> Tensor:
        grid = torch.randint(0, 256, (3, -(-height // cell), -(-width // cell)), generator=generator)
        return grid.repeat_interleave(cell, 1).repeat_interleave(cell, 2)[:, :height, :width]

    return ((4 * blocks(32) + 3 * blocks(8) + blocks(1)) // 8).to(torch.uint8)
