"""Polygons cut off at the edges of the image, without a pixel changing."""

from __future__ import annotations

from collections.abc import Sequence

from sparseinst.data.repair.grid import GRID, GridPoint, fewest, grid_line, to_grid
from sparseinst.masks.coco import segmentation_to_rle

Point = tuple[float, float]


def clipped(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> list[list[float]] | None:
    """Polygons within the image that draw the same pixels; None where there are none.

    A line that is simply cut at the image's edge takes another course over pycocotools' grid and may miss a pixel.
    Where it does, it is led through points of its old course, as few as will do.

    Args:
        polygons: x, y, x, y, … of each part, in pixels; parts without a pixel in the image are dropped.
        size: The image's height and width.
    """
    nothing = segmentation_to_rle([], *size)["counts"]
    parts = []
    for polygon in polygons:
        wanted = segmentation_to_rle([list(polygon)], *size)["counts"]
        if wanted == nothing:
            continue
        points = list(zip(polygon[0::2], polygon[1::2], strict=True))
        for outline in (points, _with_grid_points(points, size)):
            part = [value for point in clip(outline, size) for value in point]
            if len(part) >= 6 and segmentation_to_rle([part], *size)["counts"] == wanted:
                parts.append(part)
                break
        else:
            return None
    return parts or None


def clip(points: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    """The part of an outline within 0 ≤ x ≤ width and 0 ≤ y ≤ height; empty where there is none.

    The method is Sutherland's and Hodgman's ("Reentrant polygon clipping", CACM 1974): the outline is cut at one edge
    after the other. Parts of a concave outline stay joined by lines along the edge, which cover no pixel.
    """
    height, width = size
    for axis, limit, sign in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
        points = _clip_at(points, axis, limit, sign)
    return list(points)


def _clip_at(points: Sequence[Point], axis: int, limit: float, sign: int) -> list[Point]:
    """What lies above the limit, or with the sign -1 below it."""
    kept: list[Point] = []
    for before, point in zip([*points[-1:], *points[:-1]], points, strict=True):
        was, now = sign * (before[axis] - limit), sign * (point[axis] - limit)
        if was < 0 < now or now < 0 < was:
            kept.append(_crossing(before, point, axis, limit))
        if now >= 0:
            kept.append(point)
    return [point for number, point in enumerate(kept) if point != kept[number - 1]]


def _crossing(one: Point, other: Point, axis: int, limit: float) -> Point:
    share = (limit - one[axis]) / (other[axis] - one[axis])
    across = round(one[1 - axis] + share * (other[1 - axis] - one[1 - axis]), 2)  # as COCO's own files have it
    return (limit, across) if axis == 0 else (across, limit)


def _with_grid_points(points: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    """The outline with points on every line that leaves the image, wherever the line would else take another course."""
    more: list[Point] = []
    for point, following in zip(points, [*points[1:], *points[:1]], strict=True):
        more.append(point)
        if not (_is_inside(point, size) and _is_inside(following, size)):
            course = grid_line(to_grid(point), to_grid(following))
            visible = [place for place in course if _is_inside(_pixels(place), size)]
            more += map(_pixels, fewest(visible, size[0]))
    return more


def _pixels(place: GridPoint) -> Point:
    return place[0] / GRID, place[1] / GRID


def _is_inside(point: Point, size: tuple[int, int]) -> bool:
    return 0 <= point[0] <= size[1] and 0 <= point[1] <= size[0]
