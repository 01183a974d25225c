"""What the charts say, in sentences and small tables: medians, percentiles, shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.report.histogram import LARGE_PX, QUERIES, SMALL_PX, ratios_of_boxes
from sparseinst.data.report.places import Size
from sparseinst.data.report.table import SplitTable
from sparseinst.pages.words import counted, number, percent, ratio


def size_shares(split: SplitTable) -> list[tuple[str, float]]:
    """("small", share), ("medium", …), ("large", …) of the objects, by COCO's bounds."""
    area = split.area[~split.crowd]
    bounds = np.array([SMALL_PX**2, LARGE_PX**2])
    counts = np.bincount(np.searchsorted(bounds, area, side="right"), minlength=3)
    return [
        (name, float(count / max(1, area.size)))
        for name, count in zip(("small", "medium", "large"), counts, strict=True)
    ]


def about_sizes(split: SplitTable) -> str:
    sides = split.object_sides()
    if not sides.size:
        return "no objects."
    low, quarter, median, three_quarters, high = _percentiles(sides.round(1), 5, 25, 50, 75, 95)
    return (
        f"half of the objects are {quarter} to {three_quarters} px across (median {median}), "
        f"9 of 10 are {low} to {high} px."
    )


def about_counts(split: SplitTable) -> str:
    counts = split.objects_per_image()
    if not counts.size:
        return "no images."
    median, high = _percentiles(counts.astype(float), 50, 95)
    empty, many = int(np.count_nonzero(counts == 0)), int(np.count_nonzero(counts > QUERIES))
    text = f"the median is {median}, 95 % of the images have at most {high}, the fullest has {number(counts.max())}. "
    text += f"{counted(empty, 'image has', 'images have')} none. " if empty else ""
    if many:
        return text + f"{counted(many, 'image has', 'images have')} more than the {QUERIES} that a model can find."
    return text + f"None has more than the {QUERIES} that a model can find."


def about_boxes(split: SplitTable) -> str:
    ratios = ratios_of_boxes(split)
    if not ratios.size:
        return "no objects."
    low, median, high = np.percentile(ratios, [5, 50, 95]).tolist()
    return f"the median box is {ratio(median)}, 9 of 10 are between {ratio(low)} and {ratio(high)}."


def about_shapes(split: SplitTable) -> str:
    if not split.images:
        return "no images."
    parts = (
        (np.count_nonzero(split.widths > split.heights), "landscape"),
        (np.count_nonzero(split.widths < split.heights), "portrait"),
        (np.count_nonzero(split.widths == split.heights), "square"),
    )
    said = [
        f"{percent(count / split.images)} {name}" for count, name in sorted(parts, key=lambda part: -part[0]) if count
    ]
    return ", ".join(said) + "."


def about_image_sizes(splits: Sequence[SplitTable], sizes: Sequence[Size], step: int) -> str:
    images = sum(split.images for split in splits)
    first = sizes[0]
    widths = np.concatenate([split.widths for split in splits])
    heights = np.concatenate([split.heights for split in splits])
    text = (
        f"Widths are {_range(widths)}, heights {_range(heights)}. The most frequent size is {'about ' * (step > 1)}"
        f"{number(first.width)} × {number(first.height)} ({percent(sum(first.counts) / images)} of the images)."
    )
    return text + (f" Sizes are rounded to multiples of {step}." if step > 1 else "")


def _range(values: NDArray[np.int64]) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{number(low)} px" if low == high else f"{number(low)} to {number(high)} px"


def _percentiles(values: NDArray[np.float64], *wanted: float) -> list[str]:
    return [number(value) for value in np.percentile(values, wanted, method="lower").tolist()]
