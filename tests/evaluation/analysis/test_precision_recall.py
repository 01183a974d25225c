"""The curve counts what COCO counts: matches at an IoU of 0.5, crowd regions left aside."""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from sparseinst.evaluation.analysis.precision_recall import PrecisionRecall, precision_recall
from sparseinst.evaluation.analysis.table import match_table
from sparseinst.evaluation.coco.prepared import prepare


def square(left: int, side: int = 20) -> dict[str, Any]:
    mask = np.zeros((64, 128), np.uint8)
    mask[10 : 10 + side, left : left + side] = 1
    rle = coco_mask.encode(np.asfortranarray(mask))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


TRUTH = {
    "images": [{"id": 1, "height": 64, "width": 128, "file_name": "a.jpg"}],
    "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": square(0), "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": square(40), "iscrowd": 0},
        {"id": 3, "image_id": 1, "category_id": 2, "segmentation": square(80), "iscrowd": 0},
        {"id": 4, "image_id": 1, "category_id": 2, "segmentation": square(104), "iscrowd": 1},
    ],
}


def found(category: int, left: int, score: float) -> dict[str, Any]:
    return {"image_id": 1, "category_id": category, "segmentation": square(left), "score": score}


def curve_of(results: list[dict[str, Any]]) -> PrecisionRecall:
    return precision_recall(match_table(prepare(TRUTH, results), 100))


def test_counts_follow_the_threshold() -> None:
    results = [
        found(1, 0, 0.9),  # a hit
        found(1, 42, 0.7),  # a hit: most of it
        found(1, 80, 0.6),  # another class's object
        found(2, 104, 0.8),  # in the crowd: does not count
    ]
    curve = curve_of(results)
    at = {threshold: round(threshold * 100) for threshold in (0.0, 0.65, 0.85, 0.95)}
    assert [int(curve.true_positives[i]) for i in at.values()] == [2, 2, 1, 0]
    assert [int(curve.false_positives[i]) for i in at.values()] == [1, 0, 0, 0]
    assert [int(curve.false_negatives[i]) for i in at.values()] == [1, 1, 2, 3]
    np.testing.assert_allclose(curve.precision[list(at.values())], [2 / 3, 1, 1, 1])
    np.testing.assert_allclose(curve.recall[list(at.values())], [2 / 3, 2 / 3, 1 / 3, 0])


def test_without_a_single_detection_nothing_is_recalled() -> None:
    curve = curve_of([])
    assert curve.recall.tolist() == [0] * 101
    assert curve.precision.tolist() == [1] * 101
