"""What a COCO file must be before anything is computed from it. All findings are collected, never only the first.

JSON-TYPE       a part is missing, or is not of the type that COCO says
ID-TWICE        two images, annotations or categories share an id
CAT-NONE        there are no categories
CAT-UNKNOWN     an annotation of a category that is not in the file
IMG-UNKNOWN     an annotation of an image that is not in the file
IMG-FILE        an image file that is not there
SEG-…           a segmentation that says no mask: see segmentation_checks.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.segmentations import check_segmentation

_IMAGE_KEYS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "id": ("a whole number", lambda value: _is_int(value)),
    "file_name": ("a text", lambda value: isinstance(value, str) and value != ""),
    "height": ("a positive whole number", lambda value: _is_int(value) and value > 0),
    "width": ("a positive whole number", lambda value: _is_int(value) and value > 0),
}
_CATEGORY_KEYS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "id": ("a whole number", lambda value: _is_int(value)),
    "name": ("a text", lambda value: isinstance(value, str) and value != ""),
}
_ANNOTATION_KEYS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "id": ("a whole number", lambda value: _is_int(value)),
    "image_id": ("a whole number", lambda value: _is_int(value)),
    "category_id": ("a whole number", lambda value: _is_int(value)),
    "segmentation": ("polygons or an RLE object", lambda value: isinstance(value, list | dict)),
}


def check_coco(content: Any, images: Path | None = None) -> list[Finding]:
    """Everything in a COCO object that stands in the way of its use.

    Args:
        content: What the JSON file holds.
        images: The folder that `file_name` is relative to. Without it the image files are not looked for.
    """
    if not isinstance(content, dict):
        return [Finding("JSON-TYPE", "", "the file is not a JSON object", "A COCO file begins with '{'")]
    findings = [
        Finding("JSON-TYPE", f"/{key}", f"there is no list {key!r}", "Export the data as COCO instance annotations")
        for key in ("images", "annotations", "categories")
        if not isinstance(content.get(key), list)
    ]
    if findings:
        return findings
    sound_images = _check_entries(content["images"], "/images", _IMAGE_KEYS, findings)
    if images is not None:
        findings += _check_files(sound_images, images)
    _check_entries(content["categories"], "/categories", _CATEGORY_KEYS, findings)
    if not content["categories"]:
        findings.append(Finding("CAT-NONE", "/categories", "there are no categories", "Name at least one class"))
    sound_annotations = _check_entries(content["annotations"], "/annotations", _ANNOTATION_KEYS, findings)
    # An id counts as known when it is written, even where the rest of its entry is wrong: one mistake, one finding.
    image_ids, category_ids = _ids(content["images"]), _ids(content["categories"])
    sizes = {entry["id"]: (entry["height"], entry["width"]) for entry in sound_images.values()}
    for pointer, annotation in sound_annotations.items():
        findings += _check_references(annotation, pointer, image_ids, category_ids)
        size = sizes.get(annotation["image_id"])
        findings += check_segmentation(annotation["segmentation"], f"{pointer}/segmentation", size)
    return findings


def _check_entries(
    entries: list[Any],
    place: str,
    keys: Mapping[str, tuple[str, Callable[[Any], bool]]],
    findings: list[Finding],
) -> dict[str, dict[str, Any]]:
    """Adds findings about the keys of each entry, and about ids that come twice.

    Returns:
        The entries whose keys are right, by JSON pointer.
    """
    first_with: dict[int, str] = {}
    sound: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(entries):
        pointer = f"{place}/{number}"
        if not isinstance(entry, dict):
            findings.append(
                Finding("JSON-TYPE", pointer, "the entry is not an object", "Export the data as COCO again")
            )
            continue
        wrong = [key for key, (_, is_right) in keys.items() if key not in entry or not is_right(entry[key])]
        for key in wrong:
            found = f"is {_shorten(entry[key])}" if key in entry else "is missing"
            findings.append(Finding("JSON-TYPE", f"{pointer}/{key}", f"{key!r} {found}", f"It must be {keys[key][0]}"))
        if "id" not in wrong:
            first = first_with.setdefault(entry["id"], pointer)
            if first != pointer:
                problem = f"id {entry['id']} is taken by {first}"
                findings.append(Finding("ID-TWICE", f"{pointer}/id", problem, "Give it an id of its own"))
        if not wrong:
            sound[pointer] = entry
    return sound


def _check_references(
    annotation: Mapping[str, Any], pointer: str, image_ids: set[int], category_ids: set[int]
) -> Iterator[Finding]:
    image_id, category_id = annotation["image_id"], annotation["category_id"]
    if image_id not in image_ids:
        problem = f"{image_id} is not the id of an image in this file"
        yield Finding("IMG-UNKNOWN", f"{pointer}/image_id", problem, "Add the image, or delete the annotation")
    if category_id not in category_ids:
        known = ", ".join(map(str, sorted(category_ids)[:10])) or "none"
        problem = f"{category_id} is not the id of a category in this file (known: {known})"
        yield Finding("CAT-UNKNOWN", f"{pointer}/category_id", problem, "Add the category, or correct the id")


def _check_files(entries: Mapping[str, Mapping[str, Any]], images: Path) -> Iterator[Finding]:
    for pointer, entry in entries.items():
        if not (images / entry["file_name"]).is_file():
            problem = f"there is no file {entry['file_name']} in {images}"
            yield Finding("IMG-FILE", f"{pointer}/file_name", problem, "Add the file, or delete the entry")


def _ids(entries: list[Any]) -> set[int]:
    return {entry["id"] for entry in entries if isinstance(entry, dict) and _is_int(entry.get("id"))}


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
