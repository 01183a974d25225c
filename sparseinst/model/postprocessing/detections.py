"""The instances of one image, in every form that somebody may want them.

Legend: n instances, h and w the sides of the original image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from torch import Tensor

from sparseinst.masks.coco import Polygons, Rle, mask_to_outlines
from sparseinst.masks.resample import Frame
from sparseinst.model.postprocessing.enlarge import encode_enlarged, enlarge_in_columns, enlarge_masks


@dataclass(frozen=True)
class Detections:
    """What one image holds, in the order of the queries.

    Masks are kept on the network's grid, which is small, and made at the size of the original image when they are
    asked for: 100 masks of a 12-megapixel image are 1.2 GB of booleans, but 14 MB of grids or 1 MB of RLE.

    Attributes:
        scores: float32 [n], in [0, 1].
        classes: int64 [n], indices into the categories.
        queries: int64 [n], ascending: which query found each instance.
        grids: float32 [n, h', w'], probability of each cell of the grid over the padded image to be inside.
        frame: The sizes of the padded image, of the image, and of the original: (h, w).
        mask_threshold: A pixel above this probability is inside.
    """

    scores: Tensor
    classes: Tensor
    queries: Tensor
    grids: Tensor
    frame: Frame
    mask_threshold: float

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def masks(self) -> Tensor:
        """bool [n, h, w], on the device of the scores."""
        return enlarge_masks(self.grids, self.frame, self.mask_threshold)

    @cached_property
    def rles(self) -> list[Rle]:
        """The masks as compressed COCO RLE, {"size": [h, w], "counts": bytes}, without all of them as pixels."""
        return encode_enlarged(self.grids, self.frame, self.mask_threshold)

    def masks_in_columns(self) -> NDArray[np.bool_]:
        """bool [n, h, w] on the CPU, whose memory lies column by column: RLE is made of it three times as fast."""
        return enlarge_in_columns(self.grids, self.frame, self.mask_threshold)

    def best_first(self) -> Detections:
        """The same instances by descending score."""
        order = torch.argsort(self.scores, descending=True, stable=True)
        fields = ("scores", "classes", "queries", "grids")
        return replace(self, **{name: getattr(self, name)[order] for name in fields})

    def boxes(self) -> Tensor:
        """float32 [n, 4] on the CPU: x, y, width, height of each mask in pixels; all 0 for an empty mask."""
        if not len(self):
            return torch.zeros((0, 4))
        return torch.from_numpy(np.asarray(coco_mask.toBbox(self.rles), np.float32))

    def polygons(self) -> list[Polygons]:
        """The outlines of each mask, one [x0, y0, x1, y1, ...] per part; holes are filled, an empty mask has none."""
        return [mask_to_outlines(coco_mask.decode(rle)) for rle in self.rles]
