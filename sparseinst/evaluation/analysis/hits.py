"""Where AP is decided: the detections that found an object, class after class, at one IoU threshold.

Source:
    pycocotools 2.0.11, cocoeval.py, `accumulate`. Between two hits precision only falls and recall stays, so the
    interpolated precision is that of a hit, and so is the detection at which a recall is reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.table import MatchTable

RECALLS = np.linspace(0.0, 1.0, 101)
_EPSILON = np.spacing(1)

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """H hits of S classes; all fields are places, int64.

    Attributes:
        rows: [H], ascending, in the table.
        image: [H].
        segment: [H], which of the S classes it is of.
        category: [S], the classes that have a hit, ascending.
        first: [S], the first hit of the class.
        start: [S], the first row of the class in the table.
        ignored_image: [N], images of the rows that do not count.
        ignored_before: [H], how many of those stand before the hit.
        ignored_start: [S], how many of those stand before the class.
    """

    rows: Places
    image: Places
    segment: Places
    category: Places
    first: Places
    start: Places
    ignored_image: Places
    ignored_before: Places
    ignored_start: Places

    @classmethod
    def of(cls, table: MatchTable, threshold: int) -> Self:
        """Those at the place `threshold` of the IoU thresholds."""
        return cls.among(table.category, table.image, table.hits[:, threshold], table.ignored[:, threshold])

    @classmethod
    def among(
        cls,
        categories: NDArray[np.integer],
        images: NDArray[np.integer],
        found: NDArray[np.bool_],
        does_not_count: NDArray[np.bool_],
    ) -> Self:
        """Those among any detections, [D] each, that stand in the order of a table's."""
        ignored = np.flatnonzero(does_not_count)
        rows = np.flatnonzero(found & ~does_not_count)
        category, first, segment = np.unique(categories[rows], return_index=True, return_inverse=True)
        start = np.asarray(np.searchsorted(categories, category))
        return cls(
            rows=rows,
            image=images[rows].astype(np.intp),
            segment=segment.astype(np.intp),
            category=category.astype(np.intp),
            first=first,
            start=start,
            ignored_image=images[ignored].astype(np.intp),
            ignored_before=np.searchsorted(ignored, rows),
            ignored_start=np.searchsorted(ignored, start),
        )


def summed(places: NDArray[np.integer], values: Floats, length: int) -> Floats:
    """The sum of the values of each place, [length]."""
    return np.bincount(places, values, minlength=length).astype(np.float64)


def running(values: Floats, places: Places) -> Floats:
    """The sums of `values` [B, n] at the first 0, 1, 2 ... of the places [m]: [B, m + 1]."""
    sums = np.zeros((len(values), len(places) + 1))
    np.cumsum(np.take(values, places, axis=1), axis=1, out=sums[:, 1:])
    return sums


def interpolated(hits: Hits, true: Floats, counted: Floats, objects: Floats, ahead: Floats | None = None) -> Floats:
    """COCO's AP of each class that has a hit: the mean of the interpolated precision at 101 recalls.

    Args:
        true: [B, H], how many hits of the class there are up to this one, with it.
        counted: [B, H], how many detections that count.
        objects: [B, S], how many objects the class has.
        ahead: [B, S], how many hits with nothing wrong before them stand before the first of `hits`; they are in
            `true` and `counted`, but no rows of their own.

    Returns:
        [B, S]; 0 where there are no objects.
    """
    precision = true / (counted + _EPSILON)
    # Classes ever higher towards the front keep the maximum, which runs from the back, from crossing their border.
    floor = float(len(hits.category)) - hits.segment
    envelope = np.maximum.accumulate((precision + floor)[:, ::-1], axis=1)[:, ::-1] - floor
    reached = _reached(true / np.maximum(objects, 1.0)[:, hits.segment])
    gained = np.diff(reached, axis=1, prepend=0.0)
    before = np.zeros_like(objects) if ahead is None else reached_ahead(ahead, objects)
    gained[:, hits.first] = reached[:, hits.first] - before
    return (np.add.reduceat(gained * envelope, hits.first, axis=1) + before) / len(RECALLS)


def reached_ahead(ahead: Floats, objects: Floats) -> Floats:
    """How many of the 101 recalls are reached by so many hits with nothing wrong before them."""
    return np.where(ahead > 0, _reached(ahead / np.maximum(objects, 1.0)), 0.0)


def _reached(recall: Floats) -> Floats:
    """How many of the 101 recalls are at most this one."""
    return np.searchsorted(RECALLS, recall, side="right").astype(np.float64)
