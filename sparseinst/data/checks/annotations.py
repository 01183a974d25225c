"""One piece of the list of annotations: everything about them that needs no look at the rest of the list."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sparseinst.data.checks.drawn import check_mask, encode, measure, says_corners, wrong_areas, wrong_boxes
from sparseinst.data.checks.fields import check_fields, is_plain
from sparseinst.data.checks.local import MOST_ID, Local, check_id
from sparseinst.data.checks.outlines import Bounds, flat_coordinates, is_upright_rectangle, repeated_parts
from sparseinst.data.checks.segmentations import check_segmentation, farthest
from sparseinst.data.checks.tables import AnnotationTable, Ids, ImageTable

_NOBODY = -MOST_ID - 1  # an id that none has
_NO_BOX = (math.nan, math.nan, math.nan, math.nan)


class Surroundings:
    """What the annotations of a file refer to."""

    def __init__(self, images: ImageTable, category_ids: Sequence[int], sorted_ids: Sequence[int]) -> None:
        """`category_ids` are all that are written; `sorted_ids` those of the sound categories, sorted."""
        self.images = Ids(images.ids)
        self.sizes = np.stack([images.heights, images.widths], axis=1)
        self.categories = Ids(np.array(sorted(set(category_ids)), np.int64))
        self.classes = Ids(np.array(sorted_ids, np.int64))
        self.known = ", ".join(map(str, sorted(set(category_ids))[:10])) or "none"

    def sizes_of(self, images: npt.NDArray[np.int64]) -> list[tuple[int, int] | None]:
        """(height, width) of the image in each row; None where that is not known, or the row is -1."""
        if not len(self.sizes):
            return [None] * len(images)
        known = (images >= 0) & (self.sizes[images, 0] > 0)
        pairs = map(tuple, self.sizes[images].tolist())
        return [size if is_known else None for size, is_known in zip(pairs, known.tolist(), strict=True)]


@dataclass(slots=True)
class PieceReport:
    """What was found in a piece.

    Attributes:
        entries: How many annotations the piece has, sound or not.
        findings: (number of the annotation within the piece, finding).
        ids: Every id that is written, with the number of its annotation: int64 [n, 2].
        shown: Rows of the images that have an annotation, sound or not.
        classes: Places of the categories that have an object, sound or not, among those sorted by id.
        table: The sound annotations; their numbers count within the piece.
        without_area: How many annotations have no area; likewise for boxes.
        rectangles: How many masks are upright rectangles.
        normalised: How many masks are written as fractions.
    """

    entries: int
    findings: list[tuple[int, Local]]
    ids: npt.NDArray[np.int64]
    shown: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    table: AnnotationTable
    without_area: int = 0
    without_box: int = 0
    rectangles: int = 0
    normalised: int = 0


class _Candidate(NamedTuple):
    """An annotation as far as its fields are right; NaN, 0 and _NOBODY stand for what is missing or wrong."""

    number: int
    identity: int
    image_id: int
    category_id: int
    crowd: int
    area: float
    box: Sequence[float]
    segmentation: Any


@dataclass(slots=True)
class _Drawable:
    """Candidates whose masks can be drawn, in columns."""

    rows: list[_Candidate] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)
    polygons: list[int] = field(default_factory=list)  # of the rows, those with polygons
    coordinates: list[list[float]] = field(default_factory=list)  # theirs


def check_piece(entries: Sequence[Any], around: Surroundings) -> PieceReport:
    """Checks the annotations of one piece."""
    findings: list[tuple[int, Local]] = []
    ids: list[tuple[int, int]] = []
    candidates = []
    for number, entry in enumerate(entries):
        if not is_plain(entry):
            found = list(check_fields(entry))
            findings += [(number, finding) for finding in found]
            if isinstance(entry, dict) and check_id(entry) is None:
                ids.append((entry["id"], number))
            if not isinstance(entry, dict):
                continue
            entry = {**entry, **{f.place[1:]: None for f in found}}
        else:
            ids.append((entry["id"], number))
        candidates.append(_candidate(number, entry))
    drawable, shown, classes = _sort_out(candidates, around, findings)
    report = _draw(drawable, around, findings)
    findings.sort(key=lambda pair: pair[0])
    report.entries, report.shown, report.classes = len(entries), shown, classes
    report.ids = np.array(ids, np.int64).reshape(-1, 2)
    report.without_area = sum(isinstance(entry, dict) and "area" not in entry for entry in entries)
    report.without_box = sum(isinstance(entry, dict) and "bbox" not in entry for entry in entries)
    return report


def _candidate(number: int, entry: dict[str, Any]) -> _Candidate:
    area, box = entry.get("area"), entry.get("bbox")
    return _Candidate(
        number,
        entry.get("id") or 0,
        _NOBODY if entry.get("image_id") is None else entry["image_id"],
        _NOBODY if entry.get("category_id") is None else entry["category_id"],
        entry.get("iscrowd") or 0,
        math.nan if area is None else area,
        _NO_BOX if box is None else box,
        entry.get("segmentation", Ellipsis),
    )


def _sort_out(
    candidates: Sequence[_Candidate], around: Surroundings, findings: list[tuple[int, Local]]
) -> tuple[_Drawable, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Checks references and the form of segmentations. Gives what can be drawn, and the images and classes shown."""
    image_ids = np.array([c.image_id for c in candidates], np.int64)
    images = around.images.rows(image_ids)
    category_ids = np.array([c.category_id for c in candidates], np.int64)
    for row in np.flatnonzero((images < 0) & (image_ids != _NOBODY)).tolist():
        problem = f"{candidates[row].image_id} is not the id of an image in this file"
        local = Local("IMG-UNKNOWN", "/image_id", problem, "Add the image, or delete the annotation")
        findings.append((candidates[row].number, local))
    for row in np.flatnonzero((around.categories.rows(category_ids) < 0) & (category_ids != _NOBODY)).tolist():
        problem = f"{candidates[row].category_id} is not the id of a category in this file (known: {around.known})"
        local = Local("CAT-UNKNOWN", "/category_id", problem, "Add the category, or correct the id")
        findings.append((candidates[row].number, local))
    classes = around.classes.rows(category_ids)
    drawable = _Drawable()
    sizes = around.sizes_of(images)
    for candidate, image, place, size in zip(candidates, images.tolist(), classes.tolist(), sizes, strict=True):
        flat = flat_coordinates(candidate.segmentation)
        if flat is None:
            found = _look_closely(candidate.segmentation, size)
            findings += [(candidate.number, local) for local in found]
            if found:
                continue
        if image < 0 or size is None or place < 0:
            continue
        if flat is not None:
            drawable.polygons.append(len(drawable.rows))
            drawable.coordinates.append(flat)
        drawable.rows.append(candidate)
        drawable.images.append(image)
        drawable.classes.append(place)
    is_object = np.array([not c.crowd for c in candidates], np.bool_)
    return drawable, np.unique(images[images >= 0]), np.unique(classes[(classes >= 0) & is_object])


def _look_closely(segmentation: Any, size: tuple[int, int] | None) -> list[Local]:
    if segmentation is Ellipsis or segmentation is None:
        fix = "Draw masks, or make them from the boxes by a segmentation model; boxes alone cannot be learnt from"
        return [Local("SEG-MISSING", "/segmentation", "there is no segmentation", fix)]
    return [local._replace(place=f"/segmentation{local.place}") for local in check_segmentation(segmentation, size)]


def _draw(drawable: _Drawable, around: Surroundings, findings: list[tuple[int, Local]]) -> PieceReport:
    """Draws the masks and compares them with what is written about them."""
    rows = drawable.rows
    sizes = around.sizes[np.array(drawable.images, np.int64)].reshape(-1, 2)
    normalised, sound = _check_bounds(drawable, sizes, findings)
    kept = np.flatnonzero(sound)
    chosen = [rows[row] for row in kept.tolist()]
    segmentations = [row.segmentation for row in chosen]
    rles = encode(segmentations, sizes[kept])
    areas, boxes, masks = measure(rles)
    rectangles = 0
    for row, rle, area, size in zip(chosen, rles, areas.tolist(), sizes[kept].tolist(), strict=True):
        is_rectangle = not isinstance(row.segmentation, dict) and is_upright_rectangle(row.segmentation)
        rectangles += is_rectangle
        findings += [(row.number, local) for local in _odd(row, rle, area, tuple(size), is_rectangle)]
    _compare(chosen, areas, boxes, findings)
    table = AnnotationTable(
        numbers=np.array([row.number for row in chosen], np.int64),
        ids=np.array([row.identity for row in chosen], np.int64),
        images=np.array(drawable.images, np.int64)[kept],
        categories=np.array(drawable.classes, np.int64)[kept],
        crowds=np.array([row.crowd for row in chosen], np.bool_),
        areas=areas,
        boxes=boxes,
        masks=masks,
    )
    nothing = np.zeros(0, np.int64)
    return PieceReport(0, findings, nothing, nothing, nothing, table, rectangles=rectangles, normalised=normalised)


def _check_bounds(
    drawable: _Drawable, sizes: npt.NDArray[np.int64], findings: list[tuple[int, Local]]
) -> tuple[int, npt.NDArray[np.bool_]]:
    """Findings from coordinates alone. Gives how many masks are fractions, and which masks can be drawn, bool [A]."""
    rows, polygons = drawable.rows, np.array(drawable.polygons, np.int64)
    bounds, own = Bounds(drawable.coordinates), sizes[polygons]
    limits = np.array([farthest((height, width)) for height, width in own.tolist()])
    beyond = ~bounds.finite | bounds.reaching_beyond(limits)
    for place in np.flatnonzero(beyond).tolist():
        candidate, size = rows[polygons[place]], tuple(own[place].tolist())
        findings += [(candidate.number, local) for local in _look_closely(candidate.segmentation, size)]
    for place in np.flatnonzero(bounds.outside(own) & ~beyond).tolist():
        (left, top), (right, bottom) = bounds.lowest[place].tolist(), bounds.highest[place].tolist()
        problem = f"the polygons reach from ({left:g}, {top:g}) to ({right:g}, {bottom:g})"
        problem += f", the image is {own[place, 1]} x {own[place, 0]}"
        local = Local("SEG-OUTSIDE", "/segmentation", problem, "Clip them to the image; `sparseinst repair` does")
        findings.append((rows[polygons[place]].number, local))
    normalised = np.flatnonzero(bounds.normalised(own) & ~beyond).tolist()
    for place in normalised:
        fix = "Multiply x by the image's width and y by its height"
        local = Local("SEG-NORMALISED", "/segmentation", "all coordinates lie within 0 and 1", fix)
        findings.append((rows[polygons[place]].number, local))
    sound = np.ones(len(rows), np.bool_)
    sound[polygons[beyond]] = False
    return len(normalised), sound


def _odd(candidate: _Candidate, rle: Any, area: int, size: tuple[int, ...], is_rectangle: bool) -> Iterator[Local]:
    segmentation = candidate.segmentation
    yield from check_mask(segmentation, rle, area, (size[0], size[1]))
    if isinstance(segmentation, dict):
        return
    if candidate.crowd:
        fix = "Nothing needs to be done"
        yield Local("ANN-CROWD-POLYGON", "/segmentation", "a crowd region is drawn as polygons", fix)
    if is_rectangle:
        fix = "Look at it: if boxes were exported as masks, draw outlines"
        yield Local("SEG-BOX", "/segmentation", "the mask is an upright rectangle", fix)
    if len(segmentation) > 1:
        yield from repeated_parts(segmentation)


def _compare(
    rows: Sequence[_Candidate],
    areas: npt.NDArray[np.int64],
    boxes: npt.NDArray[np.int64],
    findings: list[tuple[int, Local]],
) -> None:
    """Findings about the area and the box that are written beside each mask."""
    written_areas = np.array([row.area for row in rows], np.float64)
    for place in wrong_areas(areas, written_areas).tolist():
        problem = f"the area is {rows[place].area:g}, the mask has {areas[place]} pixels"
        fix = "Nothing needs to be done; `sparseinst repair` writes the mask's"
        findings.append((rows[place].number, Local("ANN-AREA", "/area", problem, fix)))
    written_boxes = np.array([row.box for row in rows], np.float64).reshape(-1, 4)
    for place in wrong_boxes(boxes, written_boxes).tolist():
        box = boxes[place].tolist()
        problem = f"the box is {_brief(rows[place].box)}, the mask's is {box}"
        code, fix = "ANN-BOX", "Nothing needs to be done; `sparseinst repair` writes the mask's"
        if says_corners(boxes[place], written_boxes[place]):
            code, fix = "ANN-BOX-CORNERS", "Write [x, y, width, height]; `sparseinst repair` does"
        findings.append((rows[place].number, Local(code, "/bbox", problem, fix)))


def _brief(box: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in box) + "]"
