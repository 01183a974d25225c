"""A small truth, good detections for it, and what `load_detections` says of a file."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.detections.reading import load_detections
from sparseinst.evaluation.truth import Truth, load_truth
from sparseinst.masks.coco import mask_to_rle

HEIGHT, WIDTH = 50, 60
POLYGON = [[10, 10, 40, 10, 40, 40, 10, 40]]
COCO = {
    "images": [
        {"id": 4, "file_name": "left/a.jpg", "height": HEIGHT, "width": WIDTH},
        {"id": 7, "file_name": "b.jpg", "height": 8, "width": 9},
    ],
    "categories": [{"id": 2, "name": "disc"}, {"id": 0, "name": "star"}],
    "annotations": [
        {"id": 1, "image_id": 4, "category_id": 2, "segmentation": POLYGON, "bbox": [10, 10, 30, 30], "area": 900}
    ],
}


def rle(height: int = HEIGHT, width: int = WIDTH) -> dict[str, Any]:
    """A square."""
    mask = np.zeros((height, width), np.bool_)
    mask[height // 5 : height * 4 // 5, 10:40] = True
    return mask_to_rle(mask)


def good(**changes: Any) -> dict[str, Any]:
    """A detection with nothing to find, or with what is wrong here."""
    return {"image_id": 4, "category_id": 2, "segmentation": rle(), "score": 0.5, **copy.deepcopy(changes)}


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in good().items() if key not in keys}


def truth_in(folder: Path, coco: dict[str, Any] = COCO) -> Truth:
    (folder / "val.json").write_text(json.dumps(coco))
    return load_truth(folder / "val.json")


def read(folder: Path, truth: Truth, content: Any) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Results (none where the file is refused), and code and pointer of every finding.

    Args:
        content: The file's bytes, or what it holds as JSON.
    """
    path, output = folder / "found.json", folder / "out"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    results: list[dict[str, Any]] = []
    try:
        results = load_detections(path, truth, output)
        is_refused = False
    except EvaluationError as error:
        assert error.exit_code == 5
        assert error.where.startswith(str(path))
        assert error.fix
        str(error).encode()
        is_refused = True
    findings = [json.loads(line) for line in (output / "findings.jsonl").read_text().splitlines()]
    assert is_refused == any(finding["severity"] == "error" for finding in findings)
    assert all(finding["problem"] and finding["fix"] and finding["file"] == str(path) for finding in findings)
    return results, [(finding["code"], finding["pointer"]) for finding in findings]
