"""Reads detections that some other program wrote, and names everything that is wrong with them at once.

DET-KEYS     no object with image_id, category_id, segmentation and score
DET-SCORE    a score that is not a finite number
IMG-UNKNOWN  an image that is not in the annotations
CAT-UNKNOWN  a category that is not in the annotations
SEG-...      a segmentation that is no RLE of the image's size: see data/checks/segmentations.py
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sparseinst.data.checks.findings import Finding, listed
from sparseinst.data.checks.segmentations import check_segmentation
from sparseinst.errors import EvaluationError
from sparseinst.evaluation.truth import Truth
from sparseinst.masks.coco import segmentation_to_rle

_KEYS = ("image_id", "category_id", "segmentation", "score")


def load_detections(path: Path, truth: Truth) -> list[dict[str, Any]]:
    """COCO results from a JSON file: a list of objects with image_id, category_id, segmentation (RLE) and score.

    Returns:
        The same with every segmentation as a compressed RLE.

    Raises:
        EvaluationError: The file is missing or no such list, or detections do not fit the annotations. All findings
            are collected, each with its JSON pointer; the first 20 are named.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"The detections cannot be read: {error}.",
            where=str(path),
            fix="Name a JSON file in COCO's results format.",
        ) from error
    if not isinstance(entries, list):
        raise EvaluationError(
            "The detections are not a list.",
            where=str(path),
            fix="Write COCO's results format: [{image_id, ...}, ...].",
        )
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth.images}
    known = {category.id for category in truth.categories}
    findings = [
        finding for number, entry in enumerate(entries) for finding in _check(entry, f"/{number}", sizes, known)
    ]
    if findings:
        raise EvaluationError(
            f"{len(findings)} findings in {len(entries)} detections.",
            where=str(path),
            fix=f"Write detections for the images and categories of {truth.path}.",
            details=listed(findings),
        )
    return [
        {**entry, "segmentation": segmentation_to_rle(entry["segmentation"], *sizes[entry["image_id"]])}
        for entry in entries
    ]


def _check(
    entry: Any, pointer: str, sizes: Mapping[int, tuple[int, int]], categories: Collection[int]
) -> Iterator[Finding]:
    if not isinstance(entry, dict) or any(key not in entry for key in _KEYS):
        missing = ", ".join(key for key in _KEYS if not isinstance(entry, dict) or key not in entry)
        yield Finding("DET-KEYS", pointer, f"there is no {missing}", "Write all four keys")
        return
    score, category, image = entry["score"], entry["category_id"], entry["image_id"]
    if not isinstance(score, int | float) or isinstance(score, bool) or not math.isfinite(score):
        yield Finding("DET-SCORE", f"{pointer}/score", f"{score!r:.40} is not a finite number", "Write the confidence")
    if not _is_among(category, categories):
        problem = f"{category!r:.40} is not in the annotations' categories"
        yield Finding("CAT-UNKNOWN", f"{pointer}/category_id", problem, "Use the ids of the annotation file")
    if not _is_among(image, sizes):
        problem = f"{image!r:.40} is not in the annotations' images"
        yield Finding("IMG-UNKNOWN", f"{pointer}/image_id", problem, "Use the ids of the annotation file")
        return
    if not isinstance(entry["segmentation"], dict):
        problem = "the segmentation is not an RLE object"
        yield Finding("SEG-TYPE", f"{pointer}/segmentation", problem, 'Write {"size": [height, width], "counts": ...}')
        return
    found = check_segmentation(entry["segmentation"], sizes[image])
    yield from (
        finding.at(f"{pointer}/segmentation") for finding in found if finding.code != "SEG-EMPTY"
    )  # a wrong detection, but a detection


def _is_among(value: Any, known: Collection[int]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in known
