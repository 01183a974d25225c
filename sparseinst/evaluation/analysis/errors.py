"""What each kind of error costs, at an IoU of 0.5.

Each false detection is of one kind, the first that fits:
    localisation    its own class's object is covered with an IoU from 0.1 to under 0.5
    classification  an object of another class is covered with an IoU of at least 0.5
    duplicate       its own class's object is covered, which a better detection has found already
    background      no object is covered with an IoU over 0.1
    both            another class's object is covered with an IoU between 0.1 and 0.5
and an object that is not found is
    missed          unless a detection of the first two kinds lies on it.

What a kind costs is how much higher AP50 would be without it. Detections of the first two kinds would be right: the
best on an object that is not found yet finds it (with its own score, and the object's class), the others would not be
there. Neither would those of the other kinds, and missed objects would be found before all else.

Source:
    Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020. There, missed objects
    leave the count of objects instead, and so cost nothing where nothing of a class is found; and an object that
    detections of both of the first two kinds lie on is found by the better one only. hotcoco's `tide_errors` is the
    same and tests hold it against this, but takes crowd regions for objects.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import IOU_50
from sparseinst.evaluation.analysis.corrected import Detections, ap50, found_first, placed_right, without
from sparseinst.evaluation.analysis.overlaps import Overlaps, overlaps
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.coco.prepared import Prepared

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
_CLASSIFICATION, _LOCALISATION, _BOTH, _DUPLICATE, _BACKGROUND = range(5)
_RIGHT, _NEAR = 0.5, 0.1


def error_kinds(table: MatchTable, prepared: Prepared) -> dict[str, Any]:
    """Tells the errors apart.

    Args:
        table: Of `prepared`.

    Returns:
        {"AP50", "kinds": {kind: {"count", "AP50_lost"}}}, for each of `KINDS`; AP50 and what it loses are None where
        there is no object.
    """
    lying = overlaps(table, prepared)
    kinds = _kinds(lying)
    missed = _missed(table, lying, kinds)
    counts = [*np.bincount(kinds, minlength=len(KINDS) - 1).tolist(), len(missed)]
    before = ap50(table, Detections.of(table))
    corrected = (
        placed_right(table, *_targets(lying.other_object, _CLASSIFICATION, lying, kinds)),
        placed_right(table, *_targets(lying.own_object, _LOCALISATION, lying, kinds)),
        *(without(table, lying.rows[kinds == kind]) for kind in (_BOTH, _DUPLICATE, _BACKGROUND)),
        found_first(table, missed),
    )
    return {
        "AP50": before,
        "kinds": {
            name: {"count": count, "AP50_lost": None if before is None else (ap50(table, after) or 0.0) - before}
            for name, count, after in zip(KINDS, counts, corrected, strict=True)
        },
    }


def _kinds(lying: Overlaps) -> NDArray[np.intp]:
    """Of each false detection, [F]; places in `KINDS`."""
    own, other = lying.own_iou, lying.other_iou
    fits = ((own >= _NEAR) & (own < _RIGHT), other >= _RIGHT, own >= _RIGHT, other <= _NEAR)
    chosen = np.select(fits, (_LOCALISATION, _CLASSIFICATION, _DUPLICATE, _BACKGROUND), _BOTH)
    return chosen.astype(np.intp)


def _targets(
    objects: NDArray[np.intp], kind: int, lying: Overlaps, kinds: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of one kind, and the object that each lies on."""
    return lying.rows[kinds == kind], objects[kinds == kind]


def _missed(table: MatchTable, lying: Overlaps, kinds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Objects that are not found, and on which no detection lies that only misses its class or its outline."""
    missed = ~table.object_found[:, IOU_50]
    missed[lying.other_object[kinds == _CLASSIFICATION]] = False
    missed[lying.own_object[kinds == _LOCALISATION]] = False
    return np.flatnonzero(missed)
