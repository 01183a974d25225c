"""Precision and recall over the score threshold, all classes together, at an IoU of 0.5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools.cocoeval import COCOeval

_STEPS = 101
_ALL_AREAS = 0


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """One number for each threshold, all [101]: float64, the counts int64.

    Attributes:
        thresholds: Scores from 0 to 1; what has at least this score counts as found.
        true_positives, false_positives, false_negatives: Crowd regions, and what lies in them, do not count.
        precision: 1 where nothing is found.
        recall: 0 where there is no object.
    """

    thresholds: NDArray[np.float64]
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    false_negatives: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def precision_recall(evaluation: COCOeval) -> PrecisionRecall:
    """The curve of an evaluation on which `evaluate()` was called with pycocotools' own IoU thresholds."""
    all_areas = evaluation.params.areaRng[_ALL_AREAS]
    parts = [part for part in evaluation.evalImgs if part is not None and part["aRng"] == all_areas]
    scores = np.concatenate([np.zeros(0), *(part["dtScores"] for part in parts)])
    hits = np.concatenate([np.zeros(0, bool), *(part["dtMatches"][0] > 0 for part in parts)])
    counted = np.concatenate([np.zeros(0, bool), *(part["dtIgnore"][0] == 0 for part in parts)])
    objects = sum(int((np.asarray(part["gtIgnore"]) == 0).sum()) for part in parts)
    thresholds = np.linspace(0, 1, _STEPS)
    found = scores[None] >= thresholds[:, None]
    true = (found & (hits & counted)).sum(1)
    false = (found & (~hits & counted)).sum(1)
    return PrecisionRecall(
        thresholds,
        true,
        false,
        objects - true,
        np.where(true + false > 0, true / np.maximum(true + false, 1), 1.0),
        true / max(objects, 1),
    )
