"""From the tensors of the contract to objects in the original image. Needs numpy and OpenCV, not torch.

Shapes: N slots, h x w the mask grid over the padded image, H x W the image as it was sent,
H0 x W0 the image as it was before it was resized for the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.instances import Instances
from sparseinst.export.contract import MASK_CODE_SCALE, MASK_CODE_THRESHOLD, MASK_CODE_ZERO, NO_INSTANCE, round_up
from sparseinst.masks.resample import Frame, resample


def mask_codes_to_probabilities(codes: NDArray[np.uint8], mask_threshold: float) -> NDArray[np.float32]:
    """The probabilities that mask codes stand for; see contract.py for the code.

    Args:
        codes: uint8, any shape.
        mask_threshold: The model's, from its metadata.

    Returns:
        float32, same shape, in [0, 1]; above float32(mask_threshold) exactly where the code is above 128.
    """
    table: NDArray[np.float32] = (mask_threshold + _signed_distances(mask_threshold)).astype(np.float32)
    return table[codes]


def decode_reply(
    reply: Mapping[str, NDArray[Any]],
    *,
    sent: tuple[int, int],
    originals: Sequence[tuple[int, int]],
    mask_threshold: float,
) -> list[Instances]:
    """The objects in each of a batch of images of one size, their masks in the original sizes.

    Probabilities are upsampled to the padded size, cropped to the size sent, resampled to the original size
    (bilinear, pixel centres at halves), and an object is where they exceed the threshold. One object at a time
    is held as floats: 100 objects in a 12-megapixel image need 1.2 GB of booleans, not 9.6 GB.

    Args:
        reply: The contract's outputs by name, the batch first: "scores", "classes" (slots of class -1 are left out),
            and "masks" or, without them, "mask_crops" and "mask_boxes".
        sent: (H, W).
        originals: (H0, W0) of each image.
        mask_threshold: The model's, from its metadata.

    Source:
        SparseInst's inference (hustvl/SparseInst a899015), which thresholds after both resamplings.
    """
    distances = _signed_distances(mask_threshold).astype(np.float32)
    decoded = []
    for index, original in enumerate(originals):
        if "masks" in reply:
            grids: Grids = _Whole(reply["masks"][index], distances)
        else:
            grids = _Cropped(reply["mask_crops"][index], reply["mask_boxes"][index], distances)
        decoded.append(_decode(reply["scores"][index], reply["classes"][index], grids, sent, original))
    return decoded


class Grids(Protocol):
    """The masks of one image as signed distances, float32 [h, w] each; None for a mask that is nowhere inside."""

    def __call__(self, slot: int) -> NDArray[np.float32] | None: ...


@dataclass(frozen=True)
class _Whole:
    """From "masks"."""

    codes: NDArray[np.uint8]
    distances: NDArray[np.float32]

    def __call__(self, slot: int) -> NDArray[np.float32] | None:
        codes = self.codes[slot]
        return self.distances[codes] if (codes > MASK_CODE_THRESHOLD).any() else None


@dataclass(frozen=True)
class _Cropped:
    """From "mask_crops" and "mask_boxes": outside its box a mask is as far outside as can be."""

    crops: NDArray[np.uint8]
    boxes: NDArray[np.int32]
    distances: NDArray[np.float32]

    def __call__(self, slot: int) -> NDArray[np.float32] | None:
        top, left, bottom, right, height, width = self.boxes[slot].tolist()
        if bottom <= top:
            return None
        rows, columns = bottom - top, right - left
        crop = self.distances[self.crops[slot][:rows, :columns]]
        if crop.shape != (rows, columns):
            crop = cv2.resize(crop, (columns, rows), interpolation=cv2.INTER_LINEAR)
        grid = np.full((height, width), self.distances[0], np.float32)
        grid[top:bottom, left:right] = crop
        return grid


def _decode(
    scores: NDArray[np.float32],
    classes: NDArray[np.int64],
    grids: Grids,
    sent: tuple[int, int],
    original: tuple[int, int],
) -> Instances:
    filled = np.flatnonzero(classes != NO_INSTANCE)
    filled = filled[np.argsort(-scores[filled], kind="stable")]
    columnwise = Frame((round_up(sent[0]), round_up(sent[1])), sent, original).turned()
    # Each mask is written transposed, so that the RLE encoder, which wants columns, reads it without a copy.
    columns = np.zeros((len(filled), original[1], original[0]), np.bool_)
    for mask, slot in zip(columns, filled.tolist(), strict=True):
        grid = grids(slot)
        if grid is not None:  # interpolation never rises above its largest input
            np.greater(resample(grid.T, columnwise), 0, out=mask)
    return Instances(
        scores=scores[filled].astype(np.float32),
        classes=classes[filled].astype(np.int64),
        masks=columns.transpose(0, 2, 1),
    )


def _signed_distances(mask_threshold: float) -> NDArray[np.float64]:
    """float64, [256]: probability minus threshold for each code.

    Interpolating this distance and comparing it with 0 is interpolating the probability and comparing it with the
    threshold, except that floats are far finer around 0: a mask's edge is exact.
    """
    companded = ((np.arange(256) - MASK_CODE_ZERO) / MASK_CODE_SCALE).clip(-1, 1)
    reach = np.where(companded > 0, 1 - mask_threshold, mask_threshold)
    distances: NDArray[np.float64] = np.sign(companded) * companded**2 * reach
    return distances
