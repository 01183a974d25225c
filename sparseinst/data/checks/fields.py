"""The fields of an annotation beside its segmentation: ids, iscrowd, area and bbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparseinst.data.checks.local import MOST_ID, Local, check_id, is_finite, shorten

_IDS = ("id", "image_id", "category_id")
_NUMBER = (int, float)


def is_plain(entry: Any) -> bool:
    """Whether there is certainly nothing to find in the fields: what nearly every annotation passes, in a microsecond.

    Where it says no, `check_fields` looks more closely, and may yet find nothing.
    """
    if type(entry) is not dict:
        return False
    identity, image, category = entry.get("id"), entry.get("image_id"), entry.get("category_id")
    if not (type(identity) is int and type(image) is int and type(category) is int):
        return False
    if not (0 < identity <= MOST_ID and -MOST_ID <= image <= MOST_ID and -MOST_ID <= category <= MOST_ID):
        return False
    crowd, area, box = entry.get("iscrowd", 0), entry.get("area", 0), entry.get("bbox")
    if type(crowd) is not int or not 0 <= crowd <= 1 or type(area) not in _NUMBER or not 0 <= area < 1e15:
        return False
    if box is None:
        return "bbox" not in entry
    return type(box) is list and len(box) == 4 and all(map(_is_plain_number, box)) and min(box[2:]) >= 0


def _is_plain_number(value: Any) -> bool:
    return type(value) in _NUMBER and -1e9 < value < 1e9


def check_fields(entry: Any) -> Iterator[Local]:
    """Findings in one annotation's fields."""
    if not isinstance(entry, dict):
        problem = f"the annotation is {shorten(entry)}, not an object"
        yield Local("JSON-TYPE", "", problem, "Export the data as COCO again")
        return
    wrong_ids = [wrong for key in _IDS if (wrong := check_id(entry, key)) is not None]
    yield from wrong_ids
    if entry.get("id") == 0 and not wrong_ids:
        problem = "the id is 0: pycocotools' evaluation counts such an object as never found"
        yield Local("ANN-ID-ZERO", "/id", problem, "Number annotations from 1; `sparseinst repair` does")
    crowd = entry.get("iscrowd", 0)
    if not (isinstance(crowd, int) and crowd in (0, 1)):
        problem = f"'iscrowd' is {shorten(crowd)}"
        yield Local("ANN-CROWD", "/iscrowd", problem, "Write 0 for an object, 1 for a region of many")
    area = entry.get("area", 0)
    if not is_finite(area) or area < 0:
        fix = "Delete the field: ingest computes it from the mask"
        yield Local("ANN-AREA-TYPE", "/area", f"'area' is {shorten(area)}", fix)
    box = entry.get("bbox")
    if "bbox" in entry and not (isinstance(box, list) and len(box) == 4 and all(map(is_finite, box))):
        problem = f"'bbox' is {box!r:.60}"
        fix = "Write [x, y, width, height] in pixels, or delete the field: ingest computes it from the mask"
        yield Local("ANN-BOX-TYPE", "/bbox", problem, fix)
    elif box is not None and min(box[2:]) < 0:
        problem = f"the box {box!r:.60} has a negative width or height"
        yield Local("ANN-BOX-TYPE", "/bbox", problem, "Write [x, y, width, height] in pixels, or delete the field")
