"""AP50 of detections of which some were corrected: dropped, made right, or added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import IOU_50, counts, mean_ap
from sparseinst.evaluation.analysis.hits import Hits, Places, interpolated
from sparseinst.evaluation.analysis.table import MatchTable


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Detections that count, [n] each, in any order: class, score, and whether it is right."""

    category: NDArray[np.int32]
    score: NDArray[np.float64]
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, table: MatchTable) -> Self:
        """As they are."""
        rows = np.flatnonzero(~table.ignored[:, IOU_50])
        return cls(table.category[rows], table.score[rows], table.hits[rows, IOU_50])

    def plus(self, category: NDArray[np.int32], score: NDArray[np.float64]) -> Self:
        """And others, which are right."""
        return type(self)(
            np.concatenate([self.category, category]),
            np.concatenate([self.score, score]),
            np.concatenate([self.right, np.ones(len(score), bool)]),
        )


def ap50(table: MatchTable, detections: Detections) -> float | None:
    """COCO's AP50 of the table's objects with other detections; None where there are no objects."""
    order = np.lexsort((-detections.score, detections.category))
    nothing = np.zeros(len(order), bool)
    hits = Hits.among(detections.category[order], nothing.astype(np.intp), detections.right[order], nothing)
    objects = np.bincount(table.object_category, minlength=len(table.category_ids)).astype(np.float64)
    values = np.zeros((len(objects), 1))
    if len(hits.rows):
        true, counted = counts(hits, np.ones((1, 1)), np.arange(len(order) + 1.0)[None])
        values[hits.category, 0] = interpolated(hits, true, counted, objects[None, hits.category])[0]
    values[objects == 0] = np.nan
    return mean_ap(values)


def without(table: MatchTable, rows: Places) -> Detections:
    """All but these rows of the table."""
    kept = ~table.ignored[:, IOU_50]
    kept[rows] = False
    return Detections(table.category[kept], table.score[kept], table.hits[kept, IOU_50])


def placed_right(table: MatchTable, rows: Places, objects: Places) -> Detections:
    """With the rows where they belong: of those that lie on an object that is not found, the best finds it.

    Args:
        rows: [n], false detections, ascending.
        objects: [n], what each lies on.
    """
    lost = ~table.object_found[objects, IOU_50]
    rows_of_lost, objects_of_lost = rows[lost], objects[lost]
    order = np.argsort(-table.score[rows_of_lost], kind="stable")
    target, best = np.unique(objects_of_lost[order], return_index=True)
    return without(table, rows).plus(table.object_category[target], table.score[rows_of_lost[order][best]])


def found_first(table: MatchTable, objects: Places) -> Detections:
    """And each of the objects found, before all else."""
    return Detections.of(table).plus(table.object_category[objects], np.full(len(objects), np.inf))
