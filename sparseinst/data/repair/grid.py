"""The courses that lines take when pycocotools draws them.

It draws on a grid of 5 x 5 points for each pixel (rleFrPoly in its maskApi.c): corners are rounded to the grid, a line
between them goes from grid point to grid point, and where it crosses the middle of a column of pixels, the column's
pixels change from outside to inside or back.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

GRID = 5
_MIDDLE = 2  # of the 5 steps through a pixel

GridPoint = tuple[int, int]


def to_grid(point: tuple[float, float]) -> GridPoint:
    """The grid point of a corner in pixels; rounded as C does it, towards zero."""
    return int(GRID * point[0] + 0.5), int(GRID * point[1] + 0.5)


def grid_line(begin: GridPoint, end: GridPoint) -> list[GridPoint]:
    """The grid points from one to another, both included."""
    axis = 0 if abs(end[0] - begin[0]) >= abs(end[1] - begin[1]) else 1
    low, high = (begin, end) if begin[axis] <= end[axis] else (end, begin)
    steps = high[axis] - low[axis]
    slope = (high[1 - axis] - low[1 - axis]) / steps if steps else 0.0
    # Along `axis` the line makes every step; the other coordinate is rounded.
    course = [(low[axis] + step, int(low[1 - axis] + slope * step + 0.5)) for step in range(steps + 1)]
    places = course if axis == 0 else [(across, along) for along, across in course]
    return places if low is begin else places[::-1]


def fewest(course: Sequence[GridPoint], height: int) -> list[GridPoint]:
    """A few points of a course; lines between them change the same pixels of an image of this height."""
    if len(course) <= 2 or _changed(grid_line(course[0], course[-1]), height) == _changed(course, height):
        return [course[0], course[-1]] if len(course) > 1 else list(course)
    middle = len(course) // 2
    return [*fewest(course[: middle + 1], height), *fewest(course[middle:], height)[1:]]


def _changed(course: Sequence[GridPoint], height: int) -> list[tuple[int, int]]:
    """Column and row of the pixels from which on their column changes."""
    return sorted(
        (min(x, following_x) // GRID, min(max(-(-(min(y, following_y) - _MIDDLE) // GRID), 0), height))
        for (x, y), (following_x, following_y) in pairwise(course)
        if x != following_x and min(x, following_x) % GRID == _MIDDLE
    )
