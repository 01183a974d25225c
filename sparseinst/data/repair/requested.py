"""Repairs of masks that are done on request only: they decide what a mask was meant to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sparseinst.data.repair.case import Case
from sparseinst.data.repair.edits import Edit
from sparseinst.masks.coco import mask_to_rle, segmentation_to_mask


def mend_fractions(case: Case) -> Edit | None:
    """Coordinates in fractions of the image."""
    if "SEG-NORMALISED" not in case.found or (size := case.size) is None:
        return None
    height, width = size
    parts = [[value * (height if place % 2 else width) for place, value in enumerate(part)] for part in _polygons(case)]
    if all(value <= 1 for part in parts for value in part):
        return None  # still within 0 and 1: it was no fraction
    return Edit("SEG-NORMALISED", "segmentation", parts, "fractions, multiplied by the image's width and height")


def cut_holes(case: Case) -> Edit | None:
    """A polygon inside another one of the same object is a hole; one inside a hole is an island."""
    if "SEG-HOLE" not in case.found or (size := case.size) is None:
        return None
    masks = [segmentation_to_mask([part], *size) != 0 for part in _polygons(case)]
    masks.sort(key=lambda mask: -int(mask.sum()))
    mask = np.zeros(size, np.bool_)
    for number, part in enumerate(masks):
        around = sum(_is_within(part, other) for other in masks[:number])
        mask = mask & ~part if around % 2 else mask | part
    if not mask.any():
        return None
    return Edit("SEG-HOLE", "segmentation", mask_to_rle(mask), "the inner polygon is a hole")


def _is_within(part: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> bool:
    return bool(part.any()) and int(part.sum()) < int(other.sum()) and not bool((part & ~other).any())


def _polygons(case: Case) -> list[list[Any]]:
    polygons: list[list[Any]] = case.entry["segmentation"]
    return polygons
