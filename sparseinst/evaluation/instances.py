"""What a model found in one image, whichever way the model runs. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sparseinst.data.categories import Category


@dataclass(frozen=True, slots=True, eq=False)
class Instances:
    """The objects found in one image, best first.

    Attributes:
        scores: float32, [n], in [0, 1], descending.
        classes: int64, [n], indices into the predictor's categories.
        masks: bool, [n, height, width] of the original image. Their memory may lie column by column
            (as `decode_instances` leaves it), which makes `to_coco` three times as fast.
    """

    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    masks: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> Instances:
        """Those with a score of at least `score`."""
        return self.best(int((self.scores >= score).sum()))

    def best(self, count: int) -> Instances:
        """The first `count` ones."""
        return Instances(self.scores[:count], self.classes[:count], self.masks[:count])

    def to_coco(self, image_id: int, categories: Sequence[Category]) -> list[dict[str, Any]]:
        """COCO results, best first: image_id, category_id, segmentation, bbox and score.

        Returns:
            One dict each, fit for JSON: segmentation is a compressed RLE whose counts are a str; bbox is
            [x, y, width, height] of the mask in pixels, all 0 for an empty mask.
        """
        rles = encode_masks(self.masks)
        return [
            {
                "image_id": image_id,
                "category_id": categories[label].id,
                "segmentation": {"size": rle["size"], "counts": rle["counts"].decode("ascii")},
                "bbox": coco_mask.toBbox(rle).tolist(),
                "score": float(score),
            }
            for rle, label, score in zip(rles, self.classes.tolist(), self.scores, strict=True)
        ]


def encode_masks(masks: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Compressed RLEs (pycocotools) of bool [n, H, W] masks; their counts are bytes."""
    if len(masks) == 0:
        return []
    rles: list[dict[str, Any]] = coco_mask.encode(np.asfortranarray(masks.transpose(1, 2, 0).view(np.uint8)))
    return rles
