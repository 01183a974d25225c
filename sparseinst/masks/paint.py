"""Masks of many objects at once, for training: pycocotools' pixels at a fraction of its time.

pycocotools finds the outline of a polygon in microseconds, but then writes every pixel of the image, column by column,
for each object. Here only the part of the image that an object reaches is written, row by row as torch wants it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pycocotools import mask as pycocotools_mask

Ints = npt.NDArray[np.int64]


class Runs(NamedTuple):
    """The pixels of a mask as pieces of the image's columns, which follow each other: int64 [n], in order."""

    starts: Ints
    stops: Ints


def polygon_runs(polygons: Sequence[npt.NDArray[np.float64]], height: int, width: int) -> list[Runs]:
    """What each polygon [x0, y0, x1, y1, …] of at least 3 points covers of an image. Equals `frPyObjects`."""
    if not polygons:
        return []
    rles = pycocotools_mask.frPyObjects(list(polygons), height, width)
    return rle_runs([rle["counts"] for rle in rles], height, width)


def rle_runs(texts: Sequence[bytes], height: int, width: int) -> list[Runs]:
    """What each of several compressed RLEs covers.

    Raises:
        ValueError: The counts are damaged, or are not those of an image of that size.
    """
    counts, lengths = counts_of_rle_bytes(texts)
    ends, last = np.cumsum(counts), np.cumsum(lengths)  # as if the images lay one behind the other
    whole = height * width * np.arange(1, len(texts) + 1)
    if not lengths.all() or (counts < 0).any() or (ends[last - 1] != whole).any():
        raise ValueError(f"the RLE is not one of {width}x{height} pixels")
    runs = []
    for begin, end, pixels in zip(
        (last - lengths).tolist(), last.tolist(), (whole - height * width).tolist(), strict=True
    ):
        stops = ends[begin + 1 : end : 2] - pixels
        starts = stops - counts[begin + 1 : end : 2]
        kept = stops > starts
        runs.append(Runs(starts, stops) if kept.all() else Runs(starts[kept], stops[kept]))
    return runs


def counts_of_rle_bytes(texts: Sequence[bytes]) -> tuple[Ints, Ints]:
    """The run lengths in several compressed RLEs; `counts_of_rle_string` says how they are written.

    Returns:
        All counts, int64, one RLE behind the other; and how many each has.

    Raises:
        ValueError: There is a letter that no RLE has, or an RLE ends within a number.
    """
    groups = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64) - 48
    last = np.flatnonzero(groups & 32 == 0)  # of each number
    sizes = np.array([len(text) for text in texts], np.int64)
    byte_ends = np.cumsum(sizes)
    text_ends = np.searchsorted(last, byte_ends - 1, side="right")
    lengths = np.diff(text_ends, prepend=0)
    ends_within = np.append(last, -1)[text_ends - 1] != byte_ends - 1
    if (groups & ~63).any() or ends_within[sizes > 0].any():
        raise ValueError("the counts of the RLE are damaged")
    first = np.concatenate([[0], last[:-1] + 1])[: len(last)]
    digits = last - first + 1
    if digits.max(initial=0) > 12:
        raise ValueError("the RLE has a number without end")
    shifts = 5 * (np.arange(len(groups)) - np.repeat(first, digits))
    values = np.add.reduceat((groups & 31) << shifts, first) if len(first) else groups
    values -= (groups[last] >> 4 & 1) << 5 * digits
    for end, length in zip(text_ends.tolist(), lengths.tolist(), strict=True):
        own = values[end - length : end]
        own[1::2].cumsum(out=own[1::2])  # from the fourth on: the difference to the one two places before
        own[2::2].cumsum(out=own[2::2])
    return values, lengths


def paint(runs: Runs, mask: npt.NDArray[np.uint8]) -> None:
    """Sets the pixels of `runs` to 1 in a mask, uint8 [height, width]; the others stay."""
    if not len(runs.starts):
        return
    height = mask.shape[0]
    first_columns, first_rows = np.divmod(runs.starts, height)
    last_columns, last_rows = np.divmod(runs.stops - 1, height)
    left, right = first_columns[0], last_columns[-1] + 1
    top, bottom = first_rows.min(), last_rows.max() + 1
    if (first_columns != last_columns).any():  # a run goes on in the next column, at its top
        top, bottom = 0, height
    rows = bottom - top
    edges = np.empty(2 * len(runs.starts) + 2, np.int64)
    edges[0], edges[-1] = 0, (right - left) * rows
    edges[1:-1:2] = (first_columns - left) * rows + first_rows - top
    edges[2:-1:2] = (last_columns - left) * rows + last_rows - top + 1
    values = np.zeros(len(edges) - 1, np.uint8)
    values[1::2] = 1
    window = values.repeat(edges[1:] - edges[:-1]).reshape(right - left, rows)
    mask[top:bottom, left:right] |= window.T
