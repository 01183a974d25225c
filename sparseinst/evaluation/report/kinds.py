"""The kinds of errors in words.

Source:
    Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.report.values import count, part, real


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of error is called, what it means, and what helps."""

    name: str
    meaning: str
    fix: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What a kind of error costs: how many there are, and how much higher AP50 would be without them."""

    kind: Kind
    count: int
    lost: float


KINDS = {
    "missed": Kind(
        "Missed objects",
        "objects that no detection comes near",
        "Train longer, and with more images of such objects. Small ones need larger images (input.short_side), "
        "crowded ones a model with more num_masks",
    ),
    "classification": Kind(
        "Wrong class",
        "the mask fits an object, but of another class",
        "See which classes are mistaken for each other: tell annotators apart what they annotate differently, add "
        "images of the rarer one, or make one class of both",
    ),
    "localisation": Kind(
        "Mask does not fit",
        "right class, but IoU with the object from 0.1 to 0.5",
        "Look for loose or coarse masks in the annotations; larger images (input.short_side) and a longer training "
        "make outlines sharper",
    ),
    "both": Kind(
        "Wrong class and mask",
        "an object of another class, and the mask does not fit",
        "These objects are hardly known yet: more images of them, and a longer training",
    ),
    "duplicate": Kind(
        "Found twice",
        "an object that a better detection has found already",
        "Nothing removes duplicates after this model: it learns to say each object once. Train longer; look for "
        "objects that are annotated twice",
    ),
    "background": Kind(
        "Nothing there",
        "detections of what is no annotated object",
        "Look at the pictures first: these may be objects that nobody annotated. Else add images that show none of "
        "the classes, and what is mistaken for them",
    ),
}  # fmt: skip


def losses(metrics: Mapping[str, Any]) -> list[Loss]:
    """The dearest first; empty where errors were not told apart."""
    found = part(part(metrics, "errors"), "kinds")
    told = [
        Loss(kind, count(part(found, key), "count"), real(part(found, key), "AP50_lost") or 0.0)
        for key, kind in KINDS.items()
        if part(found, key)
    ]
    return sorted(told, key=lambda loss: (-loss.lost, -loss.count))
