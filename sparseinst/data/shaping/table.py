"""A data set before and after shaping, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.categories import Category

TRAIN, VAL, NEITHER = 0, 1, -1

Ints = NDArray[np.int64]
Splits = NDArray[np.int8]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Everything:
    """All images and annotations of all files.

    Attributes:
        categories: Sorted by id.
        split: TRAIN, VAL, or NEITHER where the source does not say it; int8 [I].
        names: The file name of each image.
        groups: What each image's entry has in the field that `group_by` names, "" where it has none;
            None where `group_by` names no field.
        heights: Pixels, int64 [I].
        widths: Likewise.
        image: Row of the image, int64 [A].
        category: Place in `categories`, int64 [A].
        crowd: bool [A].
        area: Pixels of the mask, int64 [A].
        box: x, y, width, height of those pixels, int64 [A, 4].
    """

    categories: Sequence[Category]
    split: Splits
    names: Sequence[str]
    groups: Sequence[str] | None
    heights: Ints
    widths: Ints
    image: Ints
    category: Ints
    crowd: Flags
    area: Ints
    box: Ints


@dataclass(frozen=True, slots=True)
class Shaped:
    """What becomes of each image and annotation. None is changed apart from this.

    Attributes:
        split: TRAIN, VAL, or NEITHER where the image is left out; int8 [I].
        category: Place in the new `categories`, -1 where the annotation is left out; int64 [A].
        categories: Sorted by id.
        category_map: The new id of each old one, None where its class is left out; {} where nothing changes.
        facts: What was left out and why, and how even the split is; plain values for a manifest.
    """

    split: Splits
    category: Ints
    categories: Sequence[Category]
    category_map: dict[int, int | None]
    facts: dict[str, Any]
