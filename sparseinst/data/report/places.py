"""Where in the images objects lie, and which sizes images have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.report.table import SplitTable

CELLS = 32  # of the heat map, in each direction
_MOST_SIZES = 250


def coverage(split: SplitTable) -> NDArray[np.float64]:
    """The share of the split's objects whose box touches each cell, the image stretched to a square.

    Returns:
        float64, [CELLS, CELLS], rows from the top, in [0, 1]; zeros without objects.
    """
    objects = np.flatnonzero(~split.crowd)
    if not objects.size:
        return np.zeros((CELLS, CELLS))
    image, box = split.image[objects], split.box[objects]
    left, right = _cells(box[:, 0], box[:, 2], split.widths[image])
    top, bottom = _cells(box[:, 1], box[:, 3], split.heights[image])
    # Each box adds 1 at its first corner and takes it back behind its ends; running sums fill what is between.
    side = CELLS + 1
    corners = sum(
        sign * np.bincount(rows * side + columns, minlength=side * side)
        for sign, rows, columns in ((1, top, left), (-1, top, right), (-1, bottom, left), (1, bottom, right))
    )
    filled: NDArray[np.float64] = np.asarray(corners).reshape(side, side).cumsum(0).cumsum(1) / objects.size
    return filled[:CELLS, :CELLS]


def _cells(
    start: NDArray[np.float64], length: NDArray[np.float64], whole: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first cell that each stretch touches, and the one behind its last."""
    scale = CELLS / np.maximum(whole, 1)
    first = np.clip(np.floor(start * scale).astype(np.int64), 0, CELLS - 1)
    end = np.clip(np.ceil((start + length) * scale).astype(np.int64), first + 1, CELLS)
    return first, end


class Size(NamedTuple):
    """Images of one size; `counts` has one number a split."""

    width: int
    height: int
    counts: tuple[int, ...]


def image_sizes(splits: Sequence[SplitTable]) -> tuple[list[Size], int]:
    """The sizes of images, the most frequent first.

    Returns:
        The sizes, and the step to whose multiples they are rounded where there are too many to draw: 1 otherwise.
    """
    width, height = (
        np.concatenate([np.zeros(0, np.int64), *columns])
        for columns in ([split.widths for split in splits], [split.heights for split in splits])
    )
    owner = np.repeat(np.arange(len(splits)), [split.images for split in splits])
    step, sizes, row = 1, *_distinct(width, height, 1)
    while len(sizes) > _MOST_SIZES:
        step *= 2
        sizes, row = _distinct(width, height, step)
    counts = np.zeros((len(sizes), len(splits)), np.int64)
    np.add.at(counts, (row, owner), 1)
    found = [Size(int(w), int(h), tuple(n.tolist())) for (w, h), n in zip(sizes, counts, strict=True)]
    return sorted(found, key=lambda size: (-sum(size.counts), size)), step


def _distinct(
    width: NDArray[np.int64], height: NDArray[np.int64], step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct [width, height] rounded to multiples of the step, and for each image the row of its own."""
    # Together in one number: sorting those is ten times as fast as sorting pairs.
    both = ((width + step // 2) // step << 32) + (height + step // 2) // step
    distinct, row = np.unique(both, return_inverse=True)
    return np.stack([distinct >> 32, distinct & 0xFFFFFFFF], axis=1) * step, row.reshape(-1)
