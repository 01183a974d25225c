"""Tables written by hand: what is said of a detection or an object is what the table holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sparseinst.evaluation.analysis.table import IOU_THRESHOLDS, MatchTable

Row = tuple[int, int, float, int]  # image, class, score, at how many of the thresholds it is right; -1 lies in a crowd
Thing = tuple[int, int, int]  # image, class, at how many of the thresholds it is found


def table_of(rows: Sequence[Row], things: Sequence[Thing], images: int = 1, classes: int = 1) -> MatchTable:
    """Image ids are 10, 11 ...; classes are called "a", "b" ..."""
    rows = sorted(rows, key=lambda row: (row[1], -row[2], row[0]))
    steps = np.arange(len(IOU_THRESHOLDS))
    right = np.array([row[3] for row in rows], np.int64)
    return MatchTable(
        image_ids=np.arange(10, 10 + images),
        category_ids=np.arange(1, classes + 1),
        category_names=np.array([chr(ord("a") + place) for place in range(classes)], np.str_),
        image=np.array([row[0] for row in rows], np.int32),
        category=np.array([row[1] for row in rows], np.int32),
        score=np.array([row[2] for row in rows], np.float64),
        row=np.arange(len(rows), dtype=np.int32),
        hits=(steps < right[:, None]) | (right[:, None] < 0),
        ignored=np.repeat(right[:, None] < 0, len(steps), axis=1),
        object_image=np.array([thing[0] for thing in things], np.int32),
        object_category=np.array([thing[1] for thing in things], np.int32),
        object_area=np.full(len(things), 100.0),
        object_row=np.arange(len(things), dtype=np.int32),
        object_found=steps < np.array([thing[2] for thing in things], np.int64).reshape(-1, 1),
        dataset="a hash",
    )
