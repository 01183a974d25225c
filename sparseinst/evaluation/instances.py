"""What a model found in one image, whichever way the model runs. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import hotcoco.mask
import numpy as np
from numpy.typing import NDArray

from sparseinst.data.categories import Category
from sparseinst.masks.coco import encode_masks

if TYPE_CHECKING:
    from sparseinst.model.postprocessing import Detections


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

    @classmethod
    def of(cls, found: Detections) -> Instances:
        """What the model itself gives, best first."""
        found = found.best_first()
        return cls(
            scores=found.scores.cpu().numpy(), classes=found.classes.cpu().numpy(), masks=found.masks_in_columns()
        )

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> Instances:
        """Those with a score of at least `score`."""
        return self.best(int((self.scores >= score).sum()))

    def best(self, count: int) -> Instances:
        """The first `count` ones."""
        return self.take(slice(count))

    def take(self, indices: NDArray[np.integer] | slice) -> Instances:
        """Those at the indices, in their order; those of a slice share the masks' memory."""
        return Instances(self.scores[indices], self.classes[indices], self.masks[indices])

    def to_coco(self, image_id: int, categories: Sequence[Category]) -> list[dict[str, Any]]:
        """COCO results, best first: image_id, category_id, segmentation and score.

        Without boxes: pycocotools would take their areas in place of the masks'.

        Returns:
            One dict each, fit for JSON: segmentation is a compressed RLE whose counts are a str.
        """
        return [
            {
                "image_id": image_id,
                "category_id": categories[label].id,
                "segmentation": {"size": rle["size"], "counts": rle["counts"].decode("ascii")},
                "score": score,
            }
            for rle, label, score in zip(
                encode_masks(self.masks), self.classes.tolist(), self.scores.tolist(), strict=True
            )
        ]

    def boxes(self) -> NDArray[np.float64]:
        """[x, y, width, height] of each mask in pixels, [n, 4]; all 0 for an empty mask."""
        return np.asarray(hotcoco.mask.to_bbox(encode_masks(self.masks)), np.float64).reshape(-1, 4)
