"""The repairs of one annotation, one after the other."""

from __future__ import annotations

from typing import Any

from sparseinst.data.checks.local import is_int
from sparseinst.data.repair.case import Case
from sparseinst.data.repair.context import Context
from sparseinst.data.repair.edits import Edit, Found, deletion
from sparseinst.data.repair.fields import mend_area, mend_box, mend_category_id, mend_crowd, mend_id, mend_image_id
from sparseinst.data.repair.requested import cut_holes, mend_fractions
from sparseinst.data.repair.segmentations import (
    drop_parts,
    drop_repeated_parts,
    mend_form,
    mend_outside,
    mend_rle_size,
    mend_texts,
)

_DELETED = {
    "SEG-EMPTY": "it says no mask",
    "SEG-NO-PIXEL": "the mask covers no pixel of the image",
    "SEG-MISSING": "it has no mask",
    "SEG-RLE-COUNTS": "its mask is damaged",
    "SEG-BOX": "its mask is an upright rectangle",
}
_FIELDS = (mend_id, mend_image_id, mend_category_id, mend_crowd)
_SEGMENTATION = (mend_form, mend_texts, drop_parts, drop_repeated_parts, mend_outside, mend_rle_size)
_CHANGING_PIXELS = (mend_fractions, cut_holes)
_MEASURED = (mend_area, mend_box)


def mend_annotation(number: int, entry: Any, found: Found, context: Context) -> list[Edit]:
    """What is to be done to an annotation, in this order; a deletion is the last or the only one."""
    if entry is None and "JSON-TYPE" in found:
        return [deletion("JSON-TYPE", "null is no annotation")]
    if not isinstance(entry, dict):
        return []
    case = Case(number, dict(entry), found, context)
    useless = _useless(case)
    if useless:
        return [useless]
    edits: list[Edit] = []
    for repair in (*_FIELDS, *_SEGMENTATION, *_CHANGING_PIXELS, *_MEASURED):
        edit = repair(case)
        if edit is None:
            continue
        if not edit.key:
            return [edit]
        edits.append(edit)
        case.entry[edit.key] = edit.after
        case.pixels_changed |= repair in _CHANGING_PIXELS
    return edits


def _useless(case: Case) -> Edit | None:
    """The deletion of an annotation that is of no use."""
    found, known = case.found, case.context.references
    for key, code, ids in (("image_id", "IMG-UNKNOWN", known.images), ("category_id", "CAT-UNKNOWN", known.categories)):
        value = case.entry.get(key)
        if code in found and is_int(value) and value not in ids:
            return deletion(code, f"it refers to what is not in the file, by its {key}")
    for code, reason in _DELETED.items():
        if code in found:
            return deletion(code, reason)
    if "ANN-TWICE" in found and case.context.is_plainly_twice(case.number):
        return deletion("ANN-TWICE", "an earlier annotation has the same image, class and mask")
    return None
