"""Repairs of an annotation's fields beside its segmentation: ids, iscrowd, area and bbox."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from sparseinst.data.checks.drawn import wrong_boxes
from sparseinst.data.checks.local import is_int
from sparseinst.data.repair.case import Case
from sparseinst.data.repair.context import Measured
from sparseinst.data.repair.edits import Edit
from sparseinst.data.repair.numbers import plain_number

_CROWDS: Mapping[Any, int] = {"0": 0, "1": 1, 0.0: 0, 1.0: 1}
_NEW_ID = ("ID-MISSING", "ID-RANGE", "ID-TWICE", "ANN-ID-ZERO")
_AREA = ("ANN-AREA", "ANN-AREA-TYPE", "ANN-AREA-NONE")
_BOX = ("ANN-BOX", "ANN-BOX-CORNERS", "ANN-BOX-TYPE", "ANN-BOX-NONE")


def mend_id(case: Case) -> Edit | None:
    if case.number in case.context.new_ids:
        code = next(code for code in _NEW_ID if "/id" in case.found.get(code, ()))
        return Edit(code, "id", case.context.new_ids[case.number], "an id above the largest")
    return plain_number(case.entry, "id", case.found)


def mend_image_id(case: Case) -> Edit | None:
    known = case.context.references
    return _reference(case, "image_id", known.images, known.moved, "IMG-NAME-TWICE")


def mend_category_id(case: Case) -> Edit | None:
    known = case.context.references
    return _reference(case, "category_id", known.categories, known.merged, "CAT-NAME-TWICE")


def _reference(case: Case, key: str, known: frozenset[int], moved: Mapping[int, int], code: str) -> Edit | None:
    value = case.entry.get(key)
    if is_int(value) and value in moved:
        return Edit(code, key, moved[value], "the entry it refers to goes into this one")
    edit = plain_number(case.entry, key, case.found)
    if edit is None:
        return None
    edit = edit._replace(after=moved.get(edit.after, edit.after))
    return edit if edit.after in known else None


def mend_crowd(case: Case) -> Edit | None:
    value = case.entry.get("iscrowd")
    if "ANN-CROWD" not in case.found or not isinstance(value, str | float) or value not in _CROWDS:
        return None
    return Edit("ANN-CROWD", "iscrowd", _CROWDS[value], "the same as a number")


def mend_area(case: Case) -> Edit | None:
    code = _first(case, _AREA)
    measured = case.measured if code else None
    return Edit(code, "area", measured.area, "the mask's pixels") if code and measured else None


def mend_box(case: Case) -> Edit | None:
    code = _first(case, _BOX)
    measured = case.measured if code else None
    if not code or not measured:
        return None
    size = case.size
    return Edit(code, "bbox", box_of(case.entry["segmentation"], size, measured), "the mask's box") if size else None


def box_of(segmentation: Any, size: tuple[int, int], measured: Measured) -> list[float]:
    """The box as COCO writes it: of polygons what their corners span within the image, of RLE what the pixels do.

    Corners may reach far beyond the pixels, where an outline has needles; then the pixels count for polygons, too.
    """
    drawn: list[float] = list(measured.box)
    if isinstance(segmentation, dict):
        return drawn
    (left, right), (top, bottom) = (_span(segmentation, axis, limit) for axis, limit in ((0, size[1]), (1, size[0])))
    box = [_rounded(value) for value in (left, top, right - left, bottom - top)]
    is_wrong = wrong_boxes(np.array([drawn], np.int64), np.array([box], np.float64)).size
    return drawn if is_wrong else box


def _span(polygons: list[list[float]], axis: int, limit: int) -> tuple[float, float]:
    values = list(chain.from_iterable(polygon[axis::2] for polygon in polygons))
    lowest, highest = (min(max(value, 0), limit) for value in (min(values), max(values)))
    return lowest, highest


def _rounded(value: float) -> float:
    """To hundredths of a pixel, as COCO's own files have it; whole numbers stay whole."""
    return value if is_int(value) else round(value, 2)


def _first(case: Case, codes: tuple[str, ...]) -> str | None:
    return next((code for code in codes if code in case.found), None)
