"""What shaping left out and how even the split is, in plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.data.shaping.filters import ANNOTATION_REASONS, IMAGE_REASONS
from sparseinst.data.shaping.table import TRAIN, VAL, Everything, Ints, Splits

_ENOUGH_IMAGES = 20  # of a class, for its share in val to say anything


def count_facts(everything: Everything, images: Splits, annotations: Splits, *, classes: int) -> dict[str, Any]:
    """How many images, annotations and classes there were, are kept, and are left out for which reason.

    Args:
        images: Place in IMAGE_REASONS, int8 [I].
        annotations: Place in ANNOTATION_REASONS, int8 [A].
        classes: How many there are now.
    """
    return {
        "images": _counts(images, IMAGE_REASONS),
        "annotations": _counts(annotations, ANNOTATION_REASONS),
        "classes": {"given": len(everything.categories), "kept": classes},
    }


def split_facts(
    everything: Everything, split: Splits, category: Ints, categories: Sequence[Category], presence: Ints, made: bool
) -> dict[str, Any]:
    """The sizes of train and val, and how each class is divided.

    Args:
        presence: Pairs (image, class), int64 [N, 2], for the objects that are kept.
        made: Whether the split is made here, and not the source's.
    """
    kept = category >= 0
    part = split[everything.image]
    sizes = {
        name: {
            "images": int((split == number).sum()),
            "instances": int((kept & (part == number)).sum()),
            "crowds": int((kept & everything.crowd & (part == number)).sum()),
        }
        for name, number in (("train", TRAIN), ("val", VAL))
    }
    return {"split": {"made": made, **sizes, **_evenness(split, categories, presence)}}


def _evenness(split: Splits, categories: Sequence[Category], presence: Ints) -> dict[str, Any]:
    """Where each class is, and between which bounds val's share of a class's images lies."""
    width = len(categories)
    train, val = (np.bincount(presence[split[presence[:, 0]] == number, 1], minlength=width) for number in (TRAIN, VAL))
    names = np.array([category.name for category in categories], object)
    facts: dict[str, Any] = {
        "only_in_train": names[(train > 0) & (val == 0)].tolist(),
        "only_in_val": names[(train == 0) & (val > 0)].tolist(),
        "in_neither": names[train + val == 0].tolist(),
    }
    enough = train + val >= _ENOUGH_IMAGES
    if enough.any():
        shares = val[enough] / (train + val)[enough]
        facts["val_share_of_classes"] = {
            "least": round(float(shares.min()), 4),
            "median": round(float(np.median(shares)), 4),
            "most": round(float(shares.max()), 4),
        }
    return facts


def _counts(reasons: Splits, names: Sequence[str]) -> dict[str, int]:
    """`given`, `kept`, and each reason that there is."""
    found = np.bincount(reasons, minlength=len(names)).tolist()
    left_out = {name: count for name, count in zip(names[1:], found[1:], strict=True) if count}
    return {"given": len(reasons), "kept": found[0], **left_out}
