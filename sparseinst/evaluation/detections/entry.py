"""One detection: what is wrong with it, and what is left of it when nothing is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from sparseinst.data.checks.local import Local, is_finite, is_int, shorten
from sparseinst.data.checks.segmentations import check_segmentation
from sparseinst.evaluation.detections.known import Known
from sparseinst.masks.coco import segmentation_to_rle

# image_id, category_id, score, segmentation {"size", "counts": str} and, where it was there, bbox.
Result: TypeAlias = dict[str, Any]

_KEYS = ("image_id", "category_id", "segmentation", "score")
_NUMBER = frozenset((int, float))
_INT = frozenset((int,))
_FAR_PX = 1e9


def quick_result(entry: Any, known: Known) -> Result | None:
    """The result, where nothing is wrong apart from the letters of its RLE; None where one has to look more closely.

    It is what nearly every detection passes, in a microsecond.
    """
    if type(entry) is not dict:
        return None
    image, category, score = entry.get("image_id"), entry.get("category_id"), entry.get("score")
    if type(image) is not int or type(category) is not int or type(score) is not float or not 0.0 <= score <= 1.0:
        return None
    image, category = known.images.get(image), known.categories.get(category)
    if image is None or category is None:
        return None
    segmentation, size = entry.get("segmentation"), known.sizes[image]
    if type(segmentation) is not dict or segmentation.get("size") != size:
        return None
    counts = segmentation.get("counts")
    if type(counts) is not str:
        return None
    result = {
        "image_id": image,
        "category_id": category,
        "score": score,
        "segmentation": {"size": size, "counts": counts},
    }
    if "bbox" in entry:
        box = entry["bbox"]
        if type(box) is not list or len(box) != 4 or not _NUMBER.issuperset(map(type, box)):
            return None
        is_near = max(box) < _FAR_PX and min(box) > -_FAR_PX and min(box[2:]) >= 0
        if not is_near or math.isnan(sum(box)):
            return None
        result["bbox"] = box
    return result


def check_entry(entry: Any, known: Known) -> Iterator[Local]:
    """Findings in one detection. The letters of a compressed RLE are not looked at: that is done for many at once."""
    if not isinstance(entry, dict):
        yield Local("DET-KEYS", "", f"the detection is {shorten(entry)}, not an object", "Write COCO results")
        return
    missing = [key for key in _KEYS if key not in entry or (key == "segmentation" and entry[key] is None)]
    if missing:
        yield _missing(entry, missing)
    if len(missing) > 1:
        return  # that is no detection
    yield from _check_score(entry)
    yield from _check_category(entry, known)
    image = _image(entry, known)
    if image is None:
        yield from _check_image(entry, known)
    yield from _check_box(entry)
    if image is not None and entry.get("segmentation") is not None:
        yield from _check_segmentation(entry["segmentation"], known.sizes[image], known.pixels[image])


def sound_result(entry: dict[str, Any], known: Known) -> Result:
    """The result of an entry without findings, whose mask is drawn where it is no compressed RLE."""
    image = known.images[entry["image_id"]]
    size, segmentation = known.sizes[image], entry["segmentation"]
    if _is_rle_string(segmentation, size):
        counts = segmentation["counts"]
    else:
        counts = segmentation_to_rle(segmentation, *size)["counts"].decode("ascii")
    result = {
        "image_id": image,
        "category_id": known.categories[entry["category_id"]],
        "score": float(entry["score"]),
        "segmentation": {"size": size, "counts": counts},
    }
    return {**result, "bbox": entry["bbox"]} if entry.get("bbox") else result


def _is_rle_string(segmentation: Any, size: Any) -> bool:
    """Whether it is a compressed RLE of this size, whatever its letters are."""
    return type(segmentation) is dict and type(segmentation.get("counts")) is str and segmentation.get("size") == size


def _missing(entry: dict[str, Any], missing: list[str]) -> Local:
    other = next((key for key in ("bbox", "keypoints") if key in entry), None)
    if other and "segmentation" in missing:
        fix = "Write masks: only masks are compared here, boxes and keypoints are not"
        return Local("DET-MASK-NONE", "", f"there is a {other}, but no segmentation", fix)
    fix = "Write all four keys: " + ", ".join(_KEYS)
    if missing == ["score"]:
        fix = "Write the confidence; a file without scores holds annotations, not detections"
    return Local("DET-KEYS", "", f"there is no {', '.join(missing)}", fix)


def _check_score(entry: dict[str, Any]) -> Iterator[Local]:
    score = entry.get("score", 0)
    if not is_finite(score):
        fix = "Write it without quotes" if isinstance(score, str) else "Write the confidence, in 0 to 1"
        yield Local("DET-SCORE", "/score", f"{shorten(score)} is not a finite number", fix)
    elif not 0 <= score <= 1:
        fix = "Nothing needs to be done: detections are ranked by it; make sure that the best have the highest"
        yield Local("DET-SCORE-RANGE", "/score", f"the score {score:g} is not in 0 to 1", fix)


def _check_category(entry: dict[str, Any], known: Known) -> Iterator[Local]:
    value = entry.get("category_id")
    if "category_id" in entry and not (_is_whole(value) and value in known.categories):
        problem, fix = _unknown(value, "category", known.categories, known)
        yield Local("CAT-UNKNOWN", "/category_id", problem, fix)


def _check_image(entry: dict[str, Any], known: Known) -> Iterator[Local]:
    if "image_id" in entry:
        problem, fix = _unknown(entry["image_id"], "image", known.images, known)
        yield Local("IMG-UNKNOWN", "/image_id", problem, fix)


def _unknown(value: Any, kind: str, ids: Any, known: Known) -> tuple[str, str]:
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,18}\s*", value) and int(value) in ids:
        return f"the {kind} id is the text {shorten(value)}", f"Write the number {int(value)}, without quotes"
    if not _is_whole(value):
        return f"the {kind} id is {shorten(value)}", "Write a whole number: the id in the annotation file"
    name = known.unknown.get((kind, value))
    if name is not None:
        problem = f"{kind} {shorten(int(value))} is {shorten(name)}, which is not in the annotations"
        return problem, f"Compare with the annotations of this {kind}, or leave the detection out"
    return f"{shorten(value)} is not the id of a known {kind}", "Use the ids of the annotation file"


def _check_box(entry: dict[str, Any]) -> Iterator[Local]:
    box = entry.get("bbox")
    if not box and (box is None or box == []):
        return
    is_box = isinstance(box, list) and len(box) == 4 and all(map(is_finite, box))
    if not (is_box and max(map(abs, box)) < _FAR_PX and min(box[2:]) >= 0):
        fix = "Write [x, y, width, height] in pixels, or leave the field out"
        yield Local("DET-BOX", "/bbox", f"'bbox' is {box!r:.60}", fix)


def _check_segmentation(segmentation: Any, size: list[int], pixels: int) -> Iterator[Local]:
    if _is_rle_string(segmentation, size) or _is_rle_list(segmentation, size, pixels):
        return
    for local in check_segmentation(segmentation, (size[0], size[1])):
        if local.code != "SEG-EMPTY":  # a wrong detection, but a detection
            fix = "Write the mask as COCO RLE or polygons" if local.fix.startswith("Delete") else local.fix
            yield local._replace(place=f"/segmentation{local.place}", fix=fix)


def _is_rle_list(segmentation: Any, size: list[int], pixels: int) -> bool:
    """Whether it is a sound RLE in counts; it is what `check_segmentation` finds, but sooner."""
    if type(segmentation) is not dict or type(segmentation.get("counts")) is not list:
        return False
    counts = segmentation["counts"]
    if segmentation.get("size") != size or not _INT.issuperset(map(type, counts)):
        return False
    return sum(counts) == pixels and min(counts) >= 0


def _image(entry: dict[str, Any], known: Known) -> int | None:
    value: Any = entry.get("image_id")
    return known.images.get(value) if _is_whole(value) else None


def _is_whole(value: Any) -> bool:
    """Whether it is a whole number. JSON has only one kind of number: 12.0 is 12."""
    return is_int(value) or (isinstance(value, float) and value.is_integer())
