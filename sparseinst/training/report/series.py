"""Series of numbers over iterations, few enough to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

MOST_POINTS = 360  # of a curve: as many as there are pixels for it
_MOST_SMOOTH = 180  # of a smoothed one
_LARGEST = 1e100  # what is beyond is as good as infinite, and would overflow in sums
_WINDOW = 40  # a smoothed value is made from this part of the run

Point = tuple[float, float]


def points(pairs: Iterable[tuple[float, Any]]) -> list[Point]:
    """The pairs whose value is a number."""
    return [(float(x), float(y)) for x, y in pairs if _is_number(y)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def thinned(series: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most so many points: both ends, and of each stretch the lowest and the highest, so that no spike is lost."""
    if len(series) <= most:
        return list(series)
    stretch = math.ceil(2 * len(series) / (most - 2))
    kept = [series[0]]
    for begin in range(0, len(series), stretch):
        part = series[begin : begin + stretch]
        kept += sorted({min(part, key=_height), max(part, key=_height)})
    return list(dict.fromkeys([*kept, series[-1]]))


def smoothed(series: Sequence[Point]) -> list[Point]:
    """The median of a fortieth of the run around each point, for at most 180 of them.

    A median, because one step that went wrong says nothing about its neighbours. Towards the ends the stretch
    becomes shorter, so that the line begins and ends where the run did. A run of less than 80 points stays as it is.
    """
    half = len(series) // (2 * _WINDOW)
    if not half:
        return list(series)
    values = np.array([y for _, y in series])
    smooth = []
    for index in np.unique(np.linspace(0, len(series) - 1, _MOST_SMOOTH).round().astype(int)).tolist():
        reach = min(half, index, len(series) - 1 - index)
        smooth.append((series[index][0], float(np.median(values[index - reach : index + reach + 1]))))
    return smooth


def _height(point: Point) -> float:
    return point[1]
