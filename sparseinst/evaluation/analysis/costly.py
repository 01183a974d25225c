"""Which images cost most AP: how much higher it would be if everything in one of them were right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import IOU_50, WeightedAP
from sparseinst.evaluation.analysis.influence import gains
from sparseinst.evaluation.analysis.perfected import perfected
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.analysis.thresholds import Best

_LISTED = 24
# Images whose cost is computed exactly: those that are costly to a first approximation. Each takes some 10 ms on COCO's
# 5 000 images, and fewer are tried where there is more to go through.
_SHORTLIST, _SHORTEST = 150, 48
_BUDGET = 30_000_000  # hits, all images of the list together


def costly_images(
    weighted: WeightedAP, file_names: Sequence[str], best: Best | None, of_classes: Sequence[Best | None]
) -> list[dict[str, Any]]:
    """At most 24 images, the costliest first; those that cost nothing are left out.

    An image is made right by dropping its false detections, and by finding each of its missed objects before all
    else, both at every IoU threshold by itself.

    Args:
        file_names: [I], by the images' places.
        best: What `best_threshold` gives.
        of_classes: What `best_of_each_class` gives. Below its class's threshold a detection is not there for "missed"
            and "false"; a class that has none takes that of all classes.

    Returns:
        {"image_id", "file_name", "AP_lost", "missed", "false"}.
    """
    table = weighted.table
    hits = sum(len(level.rows) for level in weighted.levels)
    length = min(_SHORTLIST, max(_SHORTEST, _BUDGET // max(hits, 1)))
    shortlist = np.argsort(-gains(weighted), kind="stable")[:length]
    lost = perfected(weighted, shortlist)
    missed, false = _wrong(table, _thresholds(best, of_classes))
    order = [place for place in np.argsort(-lost, kind="stable")[:_LISTED] if lost[place] > 0]
    return [
        {
            "image_id": int(table.image_ids[image]),
            "file_name": file_names[image],
            "AP_lost": float(lost[place]),
            "missed": int(missed[image]),
            "false": int(false[image]),
        }
        for place, image in zip(order, shortlist[order].tolist(), strict=True)
    ]


def _thresholds(best: Best | None, of_classes: Sequence[Best | None]) -> NDArray[np.float64]:
    """[K]."""
    of_all = -np.inf if best is None else best["score"]
    return np.array([of_all if own is None else own["score"] for own in of_classes], np.float64)


def _wrong(table: MatchTable, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many objects of each image are missed, and how many of its detections are false: [I] each."""
    images = len(table.image_ids)
    there = (table.score >= thresholds[table.category]) & ~table.ignored[:, IOU_50]
    hits = table.hits[:, IOU_50]
    found = np.bincount(table.image[there & hits], minlength=images)
    objects = np.bincount(table.object_image, minlength=images)
    return objects - found, np.bincount(table.image[there & ~hits], minlength=images)
