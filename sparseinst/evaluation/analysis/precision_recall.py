"""Precision and recall over the score threshold, all classes together, at an IoU of 0.5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.table import MatchTable

_STEPS = 101
_IOU_50 = 0


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


def precision_recall(table: MatchTable, category: int | None = None) -> PrecisionRecall:
    """The curve of all classes, or of the one at place `category`."""
    chosen = ~table.ignored[:, _IOU_50]
    objects = len(table.object_image)
    if category is not None:
        chosen &= table.category == category
        objects = int((table.object_category == category).sum())
    thresholds = np.linspace(0, 1, _STEPS)
    hits = chosen & table.hits[:, _IOU_50]
    true, false = (_at_least(table.score[rows], thresholds) for rows in (hits, chosen & ~hits))
    return PrecisionRecall(
        thresholds,
        true,
        false,
        objects - true,
        np.where(true + false > 0, true / np.maximum(true + false, 1), 1.0),
        true / max(objects, 1),
    )


def _at_least(scores: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of the scores reach each threshold."""
    return len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left")
