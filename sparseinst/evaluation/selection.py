"""Which of the found objects are kept: for every form of a model alike, and after it has answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pycocotools import mask as coco_mask

from sparseinst.data.categories import Category
from sparseinst.errors import ConfigError
from sparseinst.evaluation.instances import Instances
from sparseinst.masks.coco import encode_masks
from sparseinst.masks.suppress import suppress


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The defaults keep everything."""

    min_score: float = 0.0
    class_scores: Mapping[str, float] = field(default_factory=dict)  # by a category's name, in place of min_score
    mask_nms: float = 0.0  # 0: off; else of two masks of one class with a larger IoU only the better one stays
    most: int = 0  # 0: no limit; else the best ones of an image

    def check(self, categories: Sequence[Category]) -> None:
        """Raises a ConfigError where a score is set for a class that the model does not know."""
        names = [category.name for category in categories]
        unknown = [name for name in self.class_scores if name not in names]
        if unknown:
            raise ConfigError(
                f"The model knows no {', '.join(map(repr, unknown))}.",
                where="--class-score",
                fix=f"It knows: {', '.join(names[:20])}{', …' if len(names) > 20 else ''}.",
            )

    def of(self, found: Instances, categories: Sequence[Category]) -> Instances:
        """What is kept of one image's objects, best first."""
        least = [self.class_scores.get(category.name, self.min_score) for category in categories]
        kept = np.flatnonzero(found.scores >= np.array(least, np.float32)[found.classes])
        if self.mask_nms and len(kept):
            rles = encode_masks(found.masks[kept])
            overlaps = np.asarray(coco_mask.iou(rles, rles, [0] * len(rles)))
            kept = kept[suppress(overlaps, found.scores[kept], found.classes[kept], self.mask_nms)]
        kept = kept[: self.most or None]
        are_the_first = len(kept) == 0 or kept[-1] == len(kept) - 1
        return found.best(len(kept)) if are_the_first else found.take(kept)  # the first ones share the masks' memory
