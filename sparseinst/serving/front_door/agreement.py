"""How far the model in the shadow agrees with the one in service."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask

from sparseinst.serving.front_door.found import Found
from sparseinst.serving.front_door.routing import KnownModel

LEAST_IOU = 0.5  # of two masks of one object


@dataclass(frozen=True, slots=True)
class Agreement:
    """Objects that both found, that only the model in service found, and that only the other one found."""

    same: int
    missed: int
    added: int


def agreement(service: Found, by: KnownModel, shadow: Found, shadow_by: KnownModel) -> Agreement:
    """Pairs objects of one category id whose masks overlap most, down to an IoU of 0.5."""
    if not service.rles or not shadow.rles:
        return Agreement(0, len(service.rles), len(shadow.rles))
    overlaps = np.asarray(coco_mask.iou(shadow.rles, service.rles, [0] * len(service.rles)))
    overlaps = overlaps * (_ids(shadow, shadow_by)[:, None] == _ids(service, by)[None])
    same = 0
    while overlaps.max(initial=0) >= LEAST_IOU:
        row, column = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        overlaps[row], overlaps[:, column] = 0, 0
        same += 1
    return Agreement(same, len(service.rles) - same, len(shadow.rles) - same)


def _ids(found: Found, model: KnownModel) -> np.ndarray:
    return np.array([category.id for category in model.categories], np.int64)[found.classes]
