"""Whether scores mean what they say: of detections with a score of 0.8, 8 in 10 should be right.

Source:
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: reliability diagram and expected calibration
    error, here of detections at an IoU of 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sparseinst.evaluation.analysis.average_precision import IOU_50
from sparseinst.evaluation.analysis.table import MatchTable

_BINS = 10


def calibration(table: MatchTable) -> dict[str, Any] | None:
    """Compares the scores with how many of the detections are right. What lies in crowd regions does not count.

    Returns:
        {"ece", "bins": [{"low", "high", "count", "score", "precision"}]}: 10 bins of the same width, each with its low
        edge and without its high one, but the last with both. `score` is the mean; it and `precision` are None in an
        empty bin, `ece` where all are empty. None where a score is outside 0 to 1, and so is no promise of anything.
    """
    chosen = ~table.ignored[:, IOU_50]
    scores, hits = table.score[chosen], table.hits[chosen, IOU_50]
    if ((scores < 0) | (scores > 1)).any():
        return None
    edges = np.linspace(0, 1, _BINS + 1)
    bins = np.minimum(np.searchsorted(edges, scores, side="right") - 1, _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    score = np.bincount(bins, scores, minlength=_BINS) / np.maximum(counts, 1)
    precision = np.bincount(bins, hits, minlength=_BINS) / np.maximum(counts, 1)
    error = float(counts @ np.abs(score - precision) / len(scores)) if len(scores) else None
    return {
        "ece": error,
        "bins": [
            {
                "low": round(float(edges[place]), 6),
                "high": round(float(edges[place + 1]), 6),
                "count": int(count),
                "score": float(score[place]) if count else None,
                "precision": float(precision[place]) if count else None,
            }
            for place, count in enumerate(counts)
        ],
    }
