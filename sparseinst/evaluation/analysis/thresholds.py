"""Which score threshold one would serve with, and what each threshold gives, at an IoU of 0.5."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import IOU_50
from sparseinst.evaluation.analysis.precision_recall import precision_recall
from sparseinst.evaluation.analysis.table import MatchTable

Best = dict[str, float]


def best_threshold(table: MatchTable) -> Best | None:
    """The score threshold with the best F1 of all classes together.

    Returns:
        {"score", "f1", "precision", "recall"}: what has at least this score counts as found. Every distinct score was
        tried; of two with the same F1 it is the higher. None where nothing that is found is right.
    """
    counts = ~table.ignored[:, IOU_50]
    return _best(table.score[counts], table.hits[counts, IOU_50], len(table.object_image))


def best_of_each_class(table: MatchTable) -> list[Best | None]:
    """The same for each class alone, [K]."""
    edges = np.searchsorted(table.category, np.arange(len(table.category_ids) + 1))
    objects = np.bincount(table.object_category, minlength=len(table.category_ids))
    counts, hits = ~table.ignored[:, IOU_50], table.hits[:, IOU_50]
    found = []
    for start, stop, total in zip(edges[:-1], edges[1:], objects.tolist(), strict=True):
        rows = np.flatnonzero(counts[start:stop]) + start
        found.append(_best(table.score[rows], hits[rows], total))
    return found


def curves(table: MatchTable) -> dict[str, list[float]]:
    """Precision and recall of all classes together at 101 thresholds: "thresholds", "precision", "recall"."""
    curve = precision_recall(table)
    columns = {"thresholds": curve.thresholds, "precision": curve.precision, "recall": curve.recall}
    return {name: [round(value, 6) for value in column.tolist()] for name, column in columns.items()}


def _best(scores: NDArray[np.float64], hits: NDArray[np.bool_], objects: int) -> Best | None:
    """Of detections that all count, in any order."""
    if not hits.any() or not objects:
        return None
    order = np.argsort(-scores, kind="stable")
    scores, true = scores[order], np.cumsum(hits[order])
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # of each distinct score
    f1 = 2 * true[last] / (last + 1 + objects)
    place = last[np.argmax(f1)]
    return {
        "score": float(scores[place]),
        "f1": float(f1.max()),
        "precision": float(true[place] / (place + 1)),
        "recall": float(true[place] / objects),
    }
