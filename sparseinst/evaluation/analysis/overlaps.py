"""What false detections lie on: how well each covers an object of its own class, and one of another class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hotcoco
import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import IOU_50
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.coco.prepared import Prepared


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Of F false detections at an IoU of 0.5.

    Attributes:
        rows: int64 [F], ascending, places in the table.
        own_iou, other_iou: float64 [F], the highest IoU with an object of the detection's class, and of another class;
            0 where there is none.
        own_object, other_object: int64 [F], which object that is; -1 where there is none that it touches.
    """

    rows: NDArray[np.intp]
    own_iou: NDArray[np.float64]
    other_iou: NDArray[np.float64]
    own_object: NDArray[np.intp]
    other_object: NDArray[np.intp]


def overlaps(table: MatchTable, prepared: Prepared) -> Overlaps:
    """Compares the masks of false detections with those of all objects in their image. Crowd regions are no objects."""
    rows = np.flatnonzero(~table.hits[:, IOU_50] & ~table.ignored[:, IOU_50])
    own_iou, other_iou = np.zeros(len(rows)), np.zeros(len(rows))
    own_object, other_object = np.full(len(rows), -1), np.full(len(rows), -1)
    found = {entry["id"] - 1: entry["segmentation"] for entry in prepared.found}
    truth = prepared.truth
    for places, objects in _images(table, rows):
        masks = [found[row] for row in table.row[rows[places]].tolist()]
        covers = [truth[row]["segmentation"] for row in table.object_row[objects].tolist()]
        ious = np.asarray(hotcoco.mask.iou(masks, covers, [0] * len(covers)), np.float64)
        same = table.category[rows[places]][:, None] == table.object_category[objects][None]
        own_iou[places], own_object[places] = _highest(np.where(same, ious, 0.0), objects)
        other_iou[places], other_object[places] = _highest(np.where(same, 0.0, ious), objects)
    return Overlaps(rows, own_iou, other_iou, own_object, other_object)


def _images(table: MatchTable, rows: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Places in `rows`, and objects, of each image that has both."""
    images = np.arange(len(table.image_ids) + 1)
    by_image, objects = (np.argsort(column, kind="stable") for column in (table.image[rows], table.object_image))
    edges = np.searchsorted(table.image[rows][by_image], images)
    object_edges = np.searchsorted(table.object_image[objects], images)
    for image in images[:-1]:
        places = by_image[edges[image] : edges[image + 1]]
        there = objects[object_edges[image] : object_edges[image + 1]]
        if len(places) and len(there):
            yield places, there


def _highest(ious: NDArray[np.float64], objects: NDArray[np.intp]) -> tuple[Any, Any]:
    """Of each row of [n, m]: the highest value, and the object it belongs to."""
    best = ious.argmax(axis=1)
    values = ious[np.arange(len(ious)), best]
    return values, np.where(values > 0, objects[best], -1)
