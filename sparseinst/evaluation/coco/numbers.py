"""The 12 COCO numbers for masks, and each class's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.coco.engine import MAX_DETS, Accumulated, EngineName, accumulated
from sparseinst.evaluation.coco.prepared import Prepared, prepare

NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")

_AREAS = {
    "s": "with an area under 32 x 32 pixels",
    "m": "with an area from 32 x 32 to 96 x 96 pixels",
    "l": "with an area over 96 x 96 pixels",
}
_IOU_50, _IOU_75 = 0, 5  # places of the thresholds
_ALL, _SMALL, _MEDIUM, _LARGE = range(4)


def mask_metrics(
    annotations: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    max_dets: Sequence[int] = MAX_DETS,
    engine: EngineName = "hotcoco",
) -> dict[str, Any]:
    """Compares results with the truth, as COCO does; arguments as `prepare` and `accumulated`, result as `numbers`."""
    prepared = prepare(annotations, results)
    return numbers(accumulated(prepared, max_dets, engine), prepared)


def numbers(tables: Accumulated, prepared: Prepared) -> dict[str, Any]:
    """The numbers of an evaluation.

    Returns:
        The 12 `NUMBERS`, each in [0, 1] or None where the truth has no object to measure it on. AR1 and AR10 are those
        of the first two numbers of detections that were allowed, all others of the last one, whatever they are called.
        "undefined": the reason for each None; "per_class": name to {"AP", "AP50", "AP75", "AR", "instances"}.
    """
    values = dict(zip(NUMBERS, _values(tables), strict=True))
    return {
        **values,
        "undefined": {name: _reason(name) for name, value in values.items() if value is None},
        "per_class": _per_class(tables, prepared),
    }


def _values(tables: Accumulated) -> list[float | None]:
    """In the order of `NUMBERS`, which is that of pycocotools' `summarize`."""
    precision, recall = tables.precision, tables.recall
    most = precision.shape[4]
    places = [min(place, most - 1) for place in (0, 1)]
    return [
        mean_defined(precision[:, :, :, _ALL, -1]),
        mean_defined(precision[_IOU_50, :, :, _ALL, -1]),
        mean_defined(precision[_IOU_75, :, :, _ALL, -1]),
        *(mean_defined(precision[:, :, :, area, -1]) for area in (_SMALL, _MEDIUM, _LARGE)),
        *(mean_defined(recall[:, :, _ALL, place]) for place in (*places, -1)),
        *(mean_defined(recall[:, :, area, -1]) for area in (_SMALL, _MEDIUM, _LARGE)),
    ]


def mean_defined(values: NDArray[np.float64]) -> float | None:
    """The mean of those that are not -1; None where all are."""
    measured = values[values > -1]
    return float(measured.mean()) if measured.size else None


def _reason(number: str) -> str:
    size = _AREAS.get(number[-1], "")
    return f"the truth has no object {size}".rstrip() + " (crowd regions do not count)"


def _per_class(tables: Accumulated, prepared: Prepared) -> dict[str, dict[str, float | int | None]]:
    names = {category["id"]: str(category["name"]) for category in prepared.categories}
    counts = dict.fromkeys(names, 0)
    for entry in prepared.truth:
        counts[entry["category_id"]] += not entry["iscrowd"]
    precision, recall = tables.precision[..., _ALL, -1], tables.recall[..., _ALL, -1]
    return {
        names[category_id]: {
            "AP": mean_defined(precision[:, :, place]),
            "AP50": mean_defined(precision[_IOU_50, :, place]),
            "AP75": mean_defined(precision[_IOU_75, :, place]),
            "AR": mean_defined(recall[:, place]),
            "instances": counts[category_id],
        }
        for place, category_id in enumerate(prepared.category_ids)
    }
