"""Polygons as numbers, all of a piece of the file at once: what their coordinates alone give away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from sparseinst.data.checks.local import Local, is_finite

_NUMBERS = frozenset((int, float))
_MARGIN_PX = 1.0  # annotation tools round to the pixel behind the last one
_SMALL_IMAGE_PX = 16  # in which a polygon may well lie within 0 and 1


def flat_coordinates(segmentation: Any) -> list[float] | None:
    """All coordinates of polygons that are well formed; None where `check_segmentation` has to look more closely."""
    if type(segmentation) is not list or not segmentation:
        return None
    for part in segmentation:
        if type(part) is not list or len(part) < 6 or len(part) % 2:
            return None
    flat = segmentation[0] if len(segmentation) == 1 else list(chain.from_iterable(segmentation))
    return flat if _NUMBERS.issuperset(map(type, flat)) else None


class Bounds:
    """How far the polygons of many annotations reach.

    Attributes:
        finite: Whether all coordinates are finite, bool [A].
        lowest: Smallest x and y, float64 [A, 2].
        highest: Largest x and y, float64 [A, 2].
    """

    def __init__(self, coordinates: Sequence[list[float]]) -> None:
        """`coordinates` holds x, y, x, y, … of each annotation."""
        lengths = np.fromiter(map(len, coordinates), np.int64, len(coordinates))
        points = _as_floats(list(chain.from_iterable(coordinates))).reshape(-1, 2)
        starts = np.cumsum(lengths // 2) - lengths // 2
        if not len(starts):
            points, starts = np.zeros((0, 2)), np.zeros(0, np.int64)
        with np.errstate(invalid="ignore"):
            self.lowest = _reduce(np.minimum, points, starts)
            self.highest = _reduce(np.maximum, points, starts)
        self.finite = np.isfinite(self.lowest).all(1) & np.isfinite(self.highest).all(1)

    def reaching_beyond(self, limits: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Of each annotation whether a coordinate's magnitude exceeds its limit, bool [A]."""
        return np.maximum(np.abs(self.lowest), np.abs(self.highest)).max(1, initial=0) > limits

    def outside(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether polygons leave images of sizes (height, width), int64 [A, 2], by more than a pixel; bool [A]."""
        return ((self.lowest < -_MARGIN_PX) | (self.highest > sizes[:, ::-1] + _MARGIN_PX)).any(1)

    def normalised(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether polygons look like fractions of the image, bool [A]."""
        within = (self.lowest >= 0).all(1) & (self.highest <= 1).all(1)
        return within & (sizes.min(1, initial=2**62) > _SMALL_IMAGE_PX)


def is_upright_rectangle(segmentation: list[list[float]]) -> bool:
    """Whether the mask is one rectangle with level sides."""
    if len(segmentation) != 1 or len(segmentation[0]) not in (8, 10):
        return False
    xs, ys = segmentation[0][0::2], segmentation[0][1::2]
    if not len(set(xs)) == len(set(ys)) == 2:
        return False
    sides = zip(zip(xs, ys, strict=True), zip(xs[1:], ys[1:], strict=False), strict=False)
    return all(a[0] == b[0] or a[1] == b[1] for a, b in sides)


def repeated_parts(segmentation: list[list[float]]) -> Iterator[Local]:
    """Findings about polygons that an annotation has twice."""
    seen: dict[tuple[float, ...], int] = {}
    for number, part in enumerate(segmentation):
        first = seen.setdefault(tuple(part), number)
        if first != number:
            problem = f"the polygon is the same as number {first}"
            yield Local("SEG-PART-TWICE", f"/segmentation/{number}", problem, "Delete one; the mask stays the same")


def _as_floats(values: list[float]) -> npt.NDArray[np.float64]:
    try:
        return np.array(values, np.float64)
    except OverflowError:  # a whole number that no float can hold
        return np.array([value if is_finite(value) else np.nan for value in values], np.float64)


def _reduce(function: np.ufunc, points: npt.NDArray[np.float64], starts: npt.NDArray[np.int64]) -> Any:
    return function.reduceat(points, starts, axis=0) if len(starts) else np.zeros((0, 2))
