"""The corners of polygons, as torchvision's transforms move them: a tv_tensor with COCO's idea of a coordinate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sparseinst.torchvision_import import functional, tv_tensors


class Outlines(tv_tensors.KeyPoints):
    """Points (x, y) on an image of `canvas_size`, float64 [n, 2], in pixels from the image's left and upper edge.

    torchvision's key points name pixels, from 0 to W - 1, and a flip exchanges the first and the last. A polygon of
    COCO runs along the edges of pixels, from 0 to W, so here a flip moves x to W - x, as the authors' does; otherwise
    each flipped mask would lie one pixel beside its object. torchvision also rounds the factors of a resize to
    float32; here they are exact. Crops are torchvision's.
    """


def _horizontal_flip(points: Outlines, **_: Any) -> Outlines:
    return _moved(points, points.canvas_size, scale=(-1, 1), shift=(points.canvas_size[1], 0))


def _vertical_flip(points: Outlines, **_: Any) -> Outlines:
    return _moved(points, points.canvas_size, scale=(1, -1), shift=(0, points.canvas_size[0]))


def _resize(points: Outlines, size: list[int], **_: Any) -> Outlines:
    height, width = points.canvas_size
    return _moved(points, (size[0], size[1]), scale=(size[1] / width, size[0] / height))


def _moved(
    points: Outlines, canvas_size: tuple[int, int], *, scale: tuple[float, float], shift: tuple[float, float] = (0, 0)
) -> Outlines:
    plain = points.as_subclass(Tensor)
    moved = plain * torch.tensor(scale, dtype=plain.dtype) + torch.tensor(shift, dtype=plain.dtype)
    return Outlines(moved, canvas_size=canvas_size)


for _function, _kernel in (
    (functional.horizontal_flip, _horizontal_flip),
    (functional.vertical_flip, _vertical_flip),
    (functional.resize, _resize),
):
    functional.register_kernel(_function, Outlines)(_kernel)
