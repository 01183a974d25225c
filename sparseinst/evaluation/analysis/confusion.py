"""Which classes are taken for which, at an IoU of 0.5: small enough to look at, however many classes there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hotcoco
import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import IOU_50
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.coco.prepared import Prepared

MOST_CLASSES = 20
OTHERS, BACKGROUND = "other classes", "background"

_IOU = 0.5


def confusion(
    table: MatchTable, prepared: Prepared, least_score: float, most_classes: int = MOST_CLASSES
) -> dict[str, Any]:
    """Counts what objects are taken for.

    The best detection of an image takes the object that it fits best, of whatever class, then the next takes one of the
    rest. Crowd regions are no objects, and what lies in one is nothing.

    Args:
        table: Of `prepared`.
        least_score: Detections with less do not count: the score that one would serve with, as nearly every object is
            taken for everything at a score of 0.
        most_classes: Those with the most objects have rows of their own, the others one together.

    Returns:
        "names": of the classes, the most frequent first, then "other classes" where there are more, then "background";
        all different. "counts": for each object class (row) how often it was taken for each class (column); the last
        column are objects that were not found, the last row detections of nothing. "score": `least_score`.
    """
    rows = table.row[(table.score >= least_score) & ~table.ignored[:, IOU_50]] + 1
    wanted = set(rows.tolist())
    matrix = _matrix(prepared, [entry for entry in prepared.found if entry["id"] in wanted])
    names = {category["id"]: str(category["name"]) for category in prepared.categories}
    order = _most_frequent(prepared)
    kept = order[:most_classes]
    place = {category: min(rank, most_classes) for rank, category in enumerate(order)}
    labels = [names[category] for category in kept] + ([OTHERS] if len(order) > most_classes else [])
    counts = np.zeros((len(labels) + 1, len(labels) + 1), np.int64)
    places = [place[category] for category in prepared.category_ids] + [len(labels)]
    np.add.at(counts, np.ix_(places, places), matrix)
    return {"names": _different([*labels, BACKGROUND]), "counts": counts.tolist(), "score": least_score}


def _matrix(prepared: Prepared, found: Sequence[dict[str, Any]]) -> NDArray[np.int64]:
    """[K + 1, K + 1], classes by ascending id, background last."""
    images = [{"id": image["id"], "height": image["height"], "width": image["width"]} for image in prepared.images]
    categories = [{"id": category_id, "name": str(category_id)} for category_id in prepared.category_ids]
    whole = {"images": images, "categories": categories}
    truth = hotcoco.COCO({**whole, "annotations": [entry for entry in prepared.truth if not entry["iscrowd"]]})
    answers = truth.load_res(list(found)) if found else hotcoco.COCO({**whole, "annotations": []})
    most = max(len(found), 1)  # the table has left out what is too many
    counted = hotcoco.COCOeval(truth, answers, "segm").confusion_matrix(iou_thr=_IOU, max_det=most)
    return np.asarray(counted["matrix"], np.int64)


def _most_frequent(prepared: Prepared) -> list[int]:
    """Category ids, those with the most objects first."""
    objects = dict.fromkeys(prepared.category_ids, 0)
    for entry in prepared.truth:
        objects[entry["category_id"]] += not entry["iscrowd"]
    return sorted(objects, key=lambda category: (-objects[category], category))


def _different(names: Sequence[str]) -> list[str]:
    """A class may be called "background"; Kubeflow finds rows by their names."""
    taken: list[str] = []
    for name in names:
        while name in taken:
            name += "*"
        taken.append(name)
    return taken
