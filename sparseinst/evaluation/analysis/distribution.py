"""What is found, as histograms: what a served model finds can be held against what it found when it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hotcoco.mask
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sparseinst.evaluation.coco.prepared import Prepared

LEAST_SCORE = 0.3
SCORE_EDGES = np.round(np.linspace(0, 1, 21), 2)
AREA_EDGES = np.append(0.0, 2.0 ** np.arange(25))  # pixels; the last is a picture of 4096 x 4096
COUNT_STARTS = (0, 1, 2, 3, 6, 11, 21, 51)
COUNT_NAMES = ("0", "1", "2", "3-5", "6-10", "11-20", "21-50", "51+")


@dataclass(frozen=True, slots=True, eq=False)
class FoundColumns:
    """Detections in some images, [n] each.

    Attributes:
        scores: float64.
        areas: Pixels, float64.
        classes: Places in the list of classes, int64.
        images: Places among the images, int64.
    """

    scores: NDArray[np.float64]
    areas: NDArray[np.float64]
    classes: NDArray[np.int64]
    images: NDArray[np.int64]


def distribution(found: FoundColumns, class_names: Sequence[str], images: int) -> dict[str, Any]:
    """Histograms of the detections with a score of at least 0.3.

    Args:
        images: How many images were looked at.

    Returns:
        "scores" and "areas" (pixels) as {"edges", "counts"}, with what lies beyond the last edge in the last bin;
        "counts" (detections in an image) and "classes" as {"names", "counts"}.
    """
    kept = found.scores >= LEAST_SCORE
    each = np.bincount(found.images[kept], minlength=images)
    classes = np.bincount(found.classes[kept], minlength=len(class_names))
    counts = np.bincount(_bins(each, COUNT_STARTS), minlength=len(COUNT_NAMES))
    return {
        "scores": _histogram(found.scores[kept], SCORE_EDGES),
        "areas": _histogram(found.areas[kept], AREA_EDGES),
        "counts": {"names": list(COUNT_NAMES), "counts": counts.tolist()},
        "classes": {"names": list(class_names), "counts": classes.tolist()},
    }


def found_distribution(prepared: Prepared) -> dict[str, Any]:
    """The same of an evaluation's results; areas are the masks'."""
    kept = [entry for entry in prepared.found if entry["score"] >= LEAST_SCORE]
    image_ids, category_ids = prepared.image_ids, prepared.category_ids
    names = {int(category["id"]): str(category["name"]) for category in prepared.categories}
    areas: Any = (
        hotcoco.mask.area([entry["segmentation"] for entry in kept]) if kept else []
    )  # pycocotools' fails above 255
    columns = FoundColumns(
        scores=np.array([entry["score"] for entry in kept], np.float64),
        areas=np.asarray(areas, np.float64),
        classes=np.searchsorted(category_ids, np.array([entry["category_id"] for entry in kept], np.int64)),
        images=np.searchsorted(image_ids, np.array([entry["image_id"] for entry in kept], np.int64)),
    )
    return distribution(columns, [names[category_id] for category_id in category_ids], len(image_ids))


def _histogram(values: NDArray[np.float64], edges: NDArray[np.float64]) -> dict[str, list[float]]:
    bins = np.bincount(_bins(values, edges[:-1]), minlength=len(edges) - 1)
    return {"edges": edges.tolist(), "counts": bins.tolist()}


def _bins(values: NDArray[Any], starts: ArrayLike) -> NDArray[np.intp]:
    """In which of the bins that begin there each value is; those before the first are in the first."""
    places: NDArray[np.intp] = np.maximum(np.searchsorted(np.asarray(starts), values, side="right") - 1, 0)
    return places
