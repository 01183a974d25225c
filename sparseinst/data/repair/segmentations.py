"""Repairs of the way a segmentation is written. None of them changes what a sound part shows."""

from __future__ import annotations

import re
from typing import Any

from sparseinst.data.checks.local import is_finite
from sparseinst.data.checks.segmentations import check_segmentation
from sparseinst.data.repair.case import Case
from sparseinst.data.repair.clipping import clipped
from sparseinst.data.repair.edits import Edit, deletion

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_UNUSABLE = {
    "SEG-NUMBER": "a part with a coordinate that is no number",
    "SEG-POLY-ODD": "a part with an x without its y",
    "SEG-POLY-SHORT": "a part of fewer than 3 points",
}


def mend_form(case: Case) -> Edit | None:
    """One list too few, or null among the polygons."""
    segmentation = case.entry.get("segmentation")
    if "SEG-TYPE" not in case.found or not isinstance(segmentation, list):
        return None
    if None in segmentation:
        parts = [part for part in segmentation if part is not None]
        return Edit("SEG-TYPE", "segmentation", parts, "null is no polygon")
    if len(segmentation) >= 6 and len(segmentation) % 2 == 0 and all(map(is_finite, segmentation)):
        return Edit("SEG-TYPE", "segmentation", [segmentation], "a flat list of coordinates is one polygon")
    return None


def mend_texts(case: Case) -> Edit | None:
    """Coordinates that are written as texts."""
    segmentation = case.entry.get("segmentation")
    wrong = case.parts("SEG-NUMBER")
    if not wrong or not isinstance(segmentation, list):
        return None
    parts = [_read(part) if number in wrong else part for number, part in enumerate(segmentation)]
    if parts == segmentation:
        return None
    return Edit("SEG-NUMBER", "segmentation", parts, "numbers that were written as texts")


def _read(part: list[Any]) -> list[Any]:
    """The part with all its texts as numbers, if they all are numbers; else as it is."""
    texts = [value for value in part if isinstance(value, str)]
    if not all(map(_NUMBER.fullmatch, texts)):
        return part
    return [float(value) if isinstance(value, str) else value for value in part]


def drop_parts(case: Case) -> Edit | None:
    """Parts that say no mask; the whole annotation where no other part is left."""
    segmentation = case.entry.get("segmentation")
    unusable = [n for n in case.parts(*_UNUSABLE) if not _is_usable(segmentation, n)]
    if not unusable or not isinstance(segmentation, list):
        return None
    code = next(code for code in _UNUSABLE if set(case.parts(code)) & set(unusable))
    left = [part for number, part in enumerate(segmentation) if number not in unusable]
    if not left:
        return deletion(code, f"the mask consists of {_UNUSABLE[code]} and nothing else")
    return Edit(code, "segmentation", left, f"without {_UNUSABLE[code]}")


def _is_usable(segmentation: Any, number: int) -> bool:
    """Whether a part is right by now."""
    return not any(True for _ in check_segmentation([segmentation[number]], None))


def drop_repeated_parts(case: Case) -> Edit | None:
    repeated = case.parts("SEG-PART-TWICE")
    if not repeated:
        return None
    left = [part for number, part in enumerate(case.entry["segmentation"]) if number not in repeated]
    return Edit("SEG-PART-TWICE", "segmentation", left, "without a part that is there twice")


def mend_outside(case: Case) -> Edit | None:
    if "SEG-OUTSIDE" not in case.found or (size := case.size) is None:
        return None
    parts = clipped(case.entry["segmentation"], size)
    return None if parts is None else Edit("SEG-OUTSIDE", "segmentation", parts, "clipped to the image; same pixels")


def mend_rle_size(case: Case) -> Edit | None:
    rle = case.entry.get("segmentation")
    if "SEG-RLE-SIZE" not in case.found or not isinstance(rle, dict) or rle.get("size") is not None:
        return None
    size = case.size
    if size is None:
        return None
    whole = {**rle, "size": list(size)}
    if any(local.code == "SEG-RLE-COUNTS" for local in check_segmentation(whole, size)):
        return None
    return Edit("SEG-RLE-SIZE", "segmentation", whole, "the size of the image, which the counts fill exactly")
