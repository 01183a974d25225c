"""Counts in bins, one list a split: object sizes, objects per image, aspect ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.report.table import SplitTable
from sparseinst.pages.words import number, ratio

QUERIES = 100  # objects that the published models can find in one image
SMALL_PX, LARGE_PX = 32, 96  # COCO's bounds between small, medium and large: sides of squares of that area

_SIZE_BINS = 4  # an octave
_RATIO_BINS = 6  # an octave
_MOST_BINS = 56
_WIDEST = 3  # octaves: bars at both ends collect what is beyond 1:8 and 8:1


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Places along the axis are counted in bins: 0 is the left edge of the first, 1 that of the second.

    Attributes:
        labels: What each bin holds, in words.
        counts: int64, [bins], for each split.
        ticks: (place, text) of the marks under the axis.
        lines: (place, text) of vertical lines worth knowing.
    """

    labels: Sequence[str]
    counts: Sequence[NDArray[np.int64]]
    ticks: Sequence[tuple[float, str]]
    lines: Sequence[tuple[float, str]] = ()


def object_sizes(splits: Sequence[SplitTable]) -> Histogram | None:
    """Sides of squares of the objects' areas, on a logarithmic axis; None without objects."""
    octaves = [np.log2(np.maximum(split.object_sides(), 1)) for split in splits]
    together = np.concatenate([np.zeros(0), *octaves])
    if not together.size:
        return None
    low, high = int(together.min()), int(together.max()) + 1
    edges = 2.0 ** (np.arange((high - low) * _SIZE_BINS + 1) / _SIZE_BINS + low)
    step = 2 if high - low > 6 else 1
    return Histogram(
        labels=[f"{number(a)}–{number(b)} px" for a, b in pairwise(edges)],
        counts=[_binned((values - low) * _SIZE_BINS, len(edges) - 1) for values in octaves],
        ticks=[((octave - low) * _SIZE_BINS, number(2**octave)) for octave in range(low, high + 1, step)],
        lines=[
            ((np.log2(side) - low) * _SIZE_BINS, f"{side}²")
            for side in (SMALL_PX, LARGE_PX)
            if low <= np.log2(side) < high
        ],
    )


def objects_per_image(splits: Sequence[SplitTable]) -> Histogram | None:
    """How many objects images have. The last bin is open where few images have very many; None without images."""
    counts = [split.objects_per_image() for split in splits]
    together = np.concatenate([np.zeros(0, np.int64), *counts])
    if not together.size:
        return None
    most = int(together.max())
    top = min(most, 3 * int(np.percentile(together, 99)) + 10)
    if QUERIES // 2 <= top <= QUERIES:
        top = QUERIES + QUERIES // 20  # so that the line at 100 can be seen
    step = _step((top + 1) / _MOST_BINS)
    bins = top // step + 1
    starts = [step * index for index in range(bins)]
    labels = [number(start) if step == 1 else f"{number(start)}–{number(start + step - 1)}" for start in starts]
    if most >= bins * step:
        labels[-1] = f"{number(starts[-1])} or more"
    middle = 0.5 if step == 1 else 0.0
    every = _step((top + 1) / 6)
    return Histogram(
        labels=labels,
        counts=[_binned(values / step, bins) for values in counts],
        ticks=[(value / step + middle, number(value)) for value in range(0, bins * step, every)],
        lines=[((QUERIES + 1) / step, f"{QUERIES}")] if bins * step > QUERIES else [],
    )


def image_ratios(splits: Sequence[SplitTable]) -> Histogram | None:
    """Widths of images divided by their heights, on a logarithmic axis; None without images."""
    return _ratios([split.widths / np.maximum(split.heights, 1) for split in splits])


def box_ratios(splits: Sequence[SplitTable]) -> Histogram | None:
    """Widths of the objects' boxes divided by their heights, on a logarithmic axis; None without objects."""
    return _ratios([ratios_of_boxes(split) for split in splits])


def ratios_of_boxes(split: SplitTable) -> NDArray[np.float64]:
    """float64, [objects that have a pixel]: width divided by height."""
    sides = split.box[~split.crowd, 2:]
    sides = sides[(sides > 0).all(axis=1)]
    return sides[:, 0] / sides[:, 1]


def _ratios(ratios: Sequence[NDArray[np.float64]]) -> Histogram | None:
    octaves = [np.log2(np.maximum(values, 1e-9)) for values in ratios]
    together = np.abs(np.concatenate([np.zeros(0), *octaves]))
    if not together.size:
        return None
    reach = int(min(_WIDEST, max(1, np.ceil(np.percentile(together, 99.5)))))
    bins = 2 * reach * _RATIO_BINS + 1  # one of them has 1:1 in its middle

    def name(place: float) -> str:
        return ratio(2 ** ((place - bins / 2) / _RATIO_BINS))

    labels = [f"{name(place)} to {name(place + 1)}" for place in range(bins)]
    if any((np.abs(values) > bins / 2 / _RATIO_BINS).any() for values in octaves):
        labels[0], labels[-1] = f"{name(1)} or narrower", f"{name(bins - 1)} or wider"
    return Histogram(
        labels=labels,
        counts=[_binned(values * _RATIO_BINS + bins / 2, bins) for values in octaves],
        ticks=[(bins / 2 + octave * _RATIO_BINS, ratio(2.0**octave)) for octave in range(-reach, reach + 1)],
    )


def _binned(places: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    return np.bincount(np.clip(np.floor(places).astype(np.int64), 0, bins - 1), minlength=bins)


def _step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, … that is not below `least`."""
    step = 1
    while step < least:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step
