"""Truth and detections drawn at random, small; and a reference that is pycocotools itself."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sparseinst.evaluation.analysis.table import MatchTable, match_table
from sparseinst.evaluation.coco.prepared import prepare

HEIGHT, WIDTH = 40, 48


def rectangle(top: int, left: int, height: int, width: int) -> dict[str, Any]:
    """An RLE; what lies outside the picture is cut off."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = 1
    rle = coco_mask.encode(mask)
    return {"size": rle["size"], "counts": rle["counts"].decode("ascii")}


class Scenes:
    """A COCO object and results for it.

    Args:
        distinct: Whether all scores are different; else many are the same.
        crowds: The share of the objects that are crowd regions.
    """

    def __init__(
        self, seed: int, images: int = 12, classes: int = 3, *, distinct: bool = True, crowds: float = 0.15
    ) -> None:
        random = np.random.default_rng(seed)
        ids = np.sort(random.choice(1000, images, replace=False)).tolist()
        self.truth: dict[str, Any] = {
            "images": [{"id": i, "height": HEIGHT, "width": WIDTH, "file_name": f"{i}.jpg"} for i in ids],
            "categories": [{"id": 2 * k + 1, "name": f"class {k}"} for k in range(classes)],
            "annotations": [],
        }
        self.results: list[dict[str, Any]] = []
        for image in ids:
            for _ in range(int(random.integers(0, 6))):
                self._object(random, image, classes, crowds)
        scores = random.permutation(len(self.results)) + 1.0 if distinct else random.integers(1, 6, len(self.results))
        for result, score in zip(self.results, (scores / (len(scores) + 5)).tolist(), strict=True):
            result["score"] = score

    def _object(self, random: np.random.Generator, image: int, classes: int, crowds: float) -> None:
        """One object, and up to three detections in its neighbourhood."""
        height, width = random.integers(6, 20, 2).tolist()
        top, left = int(random.integers(0, HEIGHT - height)), int(random.integers(0, WIDTH - width))
        category = 2 * int(random.integers(classes)) + 1
        entry = {"image_id": image, "category_id": category, "segmentation": rectangle(top, left, height, width)}
        crowd = int(random.random() < crowds)
        self.truth["annotations"].append({"id": len(self.truth["annotations"]), **entry, "iscrowd": crowd})
        for _ in range(int(random.integers(0, 4))):
            shift_y, shift_x = random.integers(-3, 4, 2).tolist()
            other = 2 * int(random.integers(classes)) + 1
            self.results.append(
                {
                    "image_id": image,
                    "category_id": category if random.random() < 0.8 else other,
                    "segmentation": rectangle(top + shift_y, left + shift_x, height, width),
                }
            )

    @property
    def table(self) -> MatchTable:
        return match_table(prepare(self.truth, self.results), 100)

    def repeated(self, weights: Sequence[int]) -> Scenes:
        """Each image as often as its weight says, copies next to each other; images in their order."""
        other = Scenes.__new__(Scenes)
        other.truth = {"images": [], "categories": self.truth["categories"], "annotations": []}
        other.results = []
        for image, weight in zip(self.truth["images"], weights, strict=True):
            for _ in range(weight):
                new = len(other.truth["images"]) + 1
                other.truth["images"].append({**image, "id": new})
                for entries, there in (
                    (other.truth["annotations"], self.truth["annotations"]),
                    (other.results, self.results),
                ):
                    entries += [{**entry, "image_id": new} for entry in there if entry["image_id"] == image["id"]]
        return other


def pycocotools_ap(scenes: Scenes, image_ids: Sequence[int] | None = None) -> NDArray[np.float64]:
    """AP of each class at each threshold by pycocotools, [K, T]; NaN where there is no object."""
    prepared = prepare(scenes.truth, scenes.results)
    with redirect_stdout(io.StringIO()):
        indexed = []
        for annotations in (prepared.truth, [{**entry, "area": 1.0, "iscrowd": 0} for entry in prepared.found]):
            coco = COCO()
            coco.dataset = {"images": prepared.images, "categories": prepared.categories, "annotations": annotations}
            coco.createIndex()
            indexed.append(coco)
        evaluation = COCOeval(*indexed, "segm")
        if image_ids is not None:
            evaluation.params.imgIds = list(image_ids)
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0.0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [T, R, K]
    return np.where(precision[:, 0] < 0, np.nan, precision.mean(axis=1)).T
