"""The two programs that compute COCO's evaluation, behind one function.

hotcoco is the default, because it is more than 20 times as fast (benchmarks/evaluate.py); pycocotools is the reference:
tests hold every value of both equal, to the last bit.

Source:
    pycocotools 2.0.11, cocoeval.py; hotcoco 1.3.0, whose COCOeval has the same names.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sparseinst.evaluation.coco.prepared import Prepared

EngineName: TypeAlias = Literal["hotcoco", "pycocotools"]

ENGINES: tuple[EngineName, ...] = ("hotcoco", "pycocotools")
MAX_DETS = (1, 10, 100)


@dataclass(frozen=True, slots=True, eq=False)
class Accumulated:
    """What COCOeval's `accumulate` gives, all float64; -1 where the truth has nothing to measure it on.

    T IoU thresholds (0.5, 0.55 ... 0.95), R recalls (0, 0.01 ... 1), K categories (ascending ids), A areas (all, small,
    medium, large), M numbers of detections.

    Attributes:
        precision: [T, R, K, A, M], interpolated.
        recall: [T, K, A, M].
        scores: [T, R, K, A, M], of the detection at which the recall is reached.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    scores: NDArray[np.float64]


def accumulated(prepared: Prepared, max_dets: Sequence[int] = MAX_DETS, engine: EngineName = "hotcoco") -> Accumulated:
    """Compares the masks, and accumulates what was found.

    Args:
        max_dets: How many detections of an image and a class count, ascending.
        engine: Which program computes.
    """
    evaluation = _start(prepared, engine)
    evaluation.params.maxDets = list(max_dets)
    with redirect_stdout(io.StringIO()):  # both print
        evaluation.evaluate()
        evaluation.accumulate()
    tables = (np.asarray(evaluation.eval[name], np.float64) for name in ("precision", "recall", "scores"))
    return Accumulated(*tables)


def matched(prepared: Prepared, max_det: int, engine: EngineName = "hotcoco") -> list[dict[str, Any]]:
    """Which detection found which object, for objects of all sizes: COCOeval's `evalImgs`."""
    evaluation = _start(prepared, engine)
    evaluation.params.maxDets = [max_det]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0.0, 1e10]], ["all"]
    with redirect_stdout(io.StringIO()):
        evaluation.evaluate()
    entries = [entry for entry in evaluation.evalImgs if entry is not None]
    if engine == "hotcoco":  # it numbers detections anew
        for entry in entries:
            entry["dtIds"] = [prepared.found[number - 1]["id"] for number in entry["dtIds"]]
    return entries


def engine_version(engine: EngineName) -> str:
    """As installed."""
    return version(engine)


def _start(prepared: Prepared, engine: EngineName) -> Any:
    return _hotcoco(prepared) if engine == "hotcoco" else _pycocotools(prepared)


def _hotcoco(prepared: Prepared) -> Any:
    import hotcoco

    truth = hotcoco.COCO(_dataset(prepared, prepared.truth))
    found = truth.load_res(prepared.found) if prepared.found else hotcoco.COCO(_dataset(prepared, []))
    return hotcoco.COCOeval(truth, found, "segm")


def _pycocotools(prepared: Prepared) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    found = [{**entry, "area": _area(entry), "iscrowd": 0} for entry in prepared.found]
    indexed = []
    for objects in ([dict(entry) for entry in prepared.truth], found):
        coco = COCO()
        coco.dataset = _dataset(prepared, objects)
        with redirect_stdout(io.StringIO()):
            coco.createIndex()
        indexed.append(coco)
    return COCOeval(*indexed, "segm")


def _area(found: dict[str, Any]) -> float:
    if "bbox" in found:
        return float(found["bbox"][2] * found["bbox"][3])
    return float(coco_mask.area(found["segmentation"]))


def _dataset(prepared: Prepared, objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    images = [{"id": image["id"], "height": image["height"], "width": image["width"]} for image in prepared.images]
    categories = [{"id": category["id"], "name": str(category["name"])} for category in prepared.categories]
    return {"images": images, "categories": categories, "annotations": list(objects)}
