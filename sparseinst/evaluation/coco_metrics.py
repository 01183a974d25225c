"""The 12 COCO numbers for masks, and each class's own, computed by pycocotools."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sparseinst.masks.coco import segmentation_to_rle

NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")

_AREAS = {
    "s": "with an area under 32 x 32 pixels",
    "m": "with an area from 32 x 32 to 96 x 96 pixels",
    "l": "with an area over 96 x 96 pixels",
}


def mask_metrics(annotations: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compares results with the truth, as COCO does.

    Args:
        annotations: A COCO object that passed `load_coco`: images (all that were looked at, also those without
            objects), categories and annotations. Annotation ids play no part: pycocotools would take an object
            with the id 0 for unmatched. A missing area is the mask's; a missing iscrowd is 0.
        results: COCO results with image_id, category_id, score and segmentation (RLE). Those of other categories
            are not counted.

    Returns:
        The 12 `NUMBERS`, each in [0, 1] or None where the truth has no object to measure it on; "undefined": the
        reason for each None; "per_class": name to {"AP", "AP50", "instances"}.
    """
    return numbers_of(run_coco(annotations, results), annotations)


def run_coco(annotations: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> COCOeval:
    """pycocotools' evaluation, done; arguments as `mask_metrics`."""
    with redirect_stdout(io.StringIO()):  # pycocotools prints
        truth = _index(annotations, _truth(annotations))
        found = _index(annotations, _found(results))
        evaluation = COCOeval(truth, found, "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def numbers_of(evaluation: COCOeval, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """What `mask_metrics` returns, of an evaluation that was done."""
    numbers = {name: _defined(value) for name, value in zip(NUMBERS, evaluation.stats.tolist(), strict=True)}
    return {
        **numbers,
        "undefined": {name: _reason(name) for name, value in numbers.items() if value is None},
        "per_class": _per_class(annotations, evaluation),
    }


def _truth(annotations: Mapping[str, Any]) -> list[dict[str, Any]]:
    sizes = {image["id"]: (image["height"], image["width"]) for image in annotations["images"]}
    objects = []
    for number, annotation in enumerate(annotations["annotations"], 1):
        rle = segmentation_to_rle(annotation["segmentation"], *sizes[annotation["image_id"]])
        area = annotation["area"] if "area" in annotation else float(coco_mask.area(rle))
        crowd = int(annotation.get("iscrowd", 0))
        objects.append({**annotation, "id": number, "segmentation": rle, "area": area, "iscrowd": crowd})
    return objects


def _found(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**result, "id": number, "area": float(coco_mask.area(result["segmentation"])), "iscrowd": 0}
        for number, result in enumerate(results, 1)
    ]


def _index(annotations: Mapping[str, Any], objects: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": annotations["images"],
        "categories": annotations["categories"],
        "annotations": objects,
    }
    coco.createIndex()
    return coco


def _defined(value: float) -> float | None:
    return None if value == -1 else value


def _reason(number: str) -> str:
    size = _AREAS.get(number[-1], "")
    return f"the truth has no object {size}".rstrip() + " (crowd regions do not count)"


def _per_class(annotations: Mapping[str, Any], evaluation: COCOeval) -> dict[str, dict[str, float | int | None]]:
    names = {category["id"]: str(category["name"]) for category in annotations["categories"]}
    counts = dict.fromkeys(names, 0)
    for annotation in annotations["annotations"]:
        counts[annotation["category_id"]] += not annotation.get("iscrowd", 0)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [IoU thresholds, recalls, classes], all areas
    return {
        names[category_id]: {
            "AP": _mean(precision[:, :, index]),
            "AP50": _mean(precision[0, :, index]),
            "instances": counts[category_id],
        }
        for index, category_id in enumerate(evaluation.params.catIds)
    }


def _mean(precision: NDArray[np.float64]) -> float | None:
    measured = precision[precision > -1]
    return float(measured.mean()) if measured.size else None
