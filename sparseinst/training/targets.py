"""The objects of a batch, at the resolution of the network's masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sparseinst.data.loading.example import Target


@dataclass(frozen=True, slots=True)
class BatchTargets:
    """The objects of a batch in one row, image after image.

    Attributes:
        classes: int64 [M].
        masks: float32 [M, H / 4, W / 4] in [0, 1]: soft at the edges.
        counts: Objects per image; they sum to M.
    """

    classes: Tensor
    masks: Tensor
    counts: tuple[int, ...]


def collect_targets(targets: Sequence[Target], padded: tuple[int, int], grid: tuple[int, int]) -> BatchTargets:
    """Lays every mask on a canvas of the padded size, and shrinks it to the grid of the predictions.

    Args:
        targets: One per image.
        padded: Height and width of the padded batch, in pixels.
        grid: Height and width of the predicted masks.
    """
    device = targets[0].masks.device
    masks = [torch.zeros((0, *grid), device=device)]
    for target in targets:
        if len(target.masks):
            canvas = F.pad(
                target.masks.float(), (0, padded[1] - target.masks.shape[2], 0, padded[0] - target.masks.shape[1])
            )
            masks.append(F.interpolate(canvas[None], size=grid, mode="bilinear", align_corners=False)[0])
    return BatchTargets(
        classes=torch.cat([target.classes for target in targets]),
        masks=torch.cat(masks),
        counts=tuple(len(target.classes) for target in targets),
    )
