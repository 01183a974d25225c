"""From a model's reply to the objects of an answer, a few at a time: masks of a large picture take much memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hotcoco.mask
import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.instances import Instances
from sparseinst.export.contract import NO_INSTANCE
from sparseinst.export.decode import decode_reply
from sparseinst.masks.coco import Polygons, Rle, encode_masks, mask_to_outlines
from sparseinst.serving.front_door.asking import Reply
from sparseinst.serving.front_door.options import Options

_PIXELS_AT_A_TIME = 64_000_000  # booleans of masks, one byte each


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The n objects of an answer, best first.

    Attributes:
        slots: Their places in the reply, [n].
        scores: float32 [n].
        classes: int64 [n], indices into the answering model's categories.
        rles: Compressed RLEs with `counts` as bytes.
        areas: Pixels, int64 [n].
        boxes: [x, y, width, height] in pixels, float64 [n, 4].
        polygons: The outlines, where they were asked for.
    """

    slots: NDArray[np.intp]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    rles: list[Rle]
    areas: NDArray[np.int64]
    boxes: NDArray[np.float64]
    polygons: list[Polygons]


def find(reply: Reply, original: tuple[int, int], options: Options) -> Found:
    """The objects that were asked for, their masks in the original picture of (height, width).

    They are those of `decode_reply` and `Selection`, but only their masks are computed.
    """
    kept = kept_slots(reply, options)
    step = max(1, _PIXELS_AT_A_TIME // (original[0] * original[1]))
    rles: list[Rle] = []
    polygons: list[Polygons] = []
    for begin in range(0, len(kept), step):
        masks = _decode(reply, kept[begin : begin + step], original).masks
        rles += encode_masks(masks)
        if options.polygons:
            polygons += map(mask_to_outlines, masks)
    areas: Any = hotcoco.mask.area(rles) if rles else []
    boxes: Any = hotcoco.mask.to_bbox(rles) if rles else []
    return Found(
        slots=kept,
        scores=reply.outputs["scores"][0][kept],
        classes=reply.outputs["classes"][0][kept],
        rles=rles,
        areas=np.asarray(areas, np.int64),
        boxes=np.asarray(boxes, np.float64).reshape(-1, 4),
        polygons=polygons,
    )


def kept_slots(reply: Reply, options: Options) -> NDArray[np.intp]:
    """The slots of the reply that belong into the answer, best first."""
    scores, classes = reply.outputs["scores"][0], reply.outputs["classes"][0]
    slots = np.flatnonzero((classes != NO_INSTANCE) & (scores >= np.float32(options.min_score)))
    return slots[np.argsort(-scores[slots], kind="stable")][: options.most]


def _decode(reply: Reply, slots: NDArray[np.intp], original: tuple[int, int]) -> Instances:
    part = {name: reply.outputs[name][:, slots] for name in ("scores", "classes", "masks")}
    return decode_reply(part, sent=reply.sent, originals=[original], mask_threshold=reply.model.mask_threshold)[0]
