"""Which images and annotations are left out, and why: an array of reasons, 0 where one is kept."""

from __future__ import annotations

import numpy as np

from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.table import Everything, Ints, Splits

# The place in these lists is the number of the reason. Where several apply, the first is given.
IMAGE_REASONS = ("kept", "side_too_short", "side_too_long", "without_objects", "beyond_subset")
ANNOTATION_REASONS = ("kept", "class_left_out", "area_too_small", "area_too_large", "side_too_short", "image_left_out")

KEPT = 0
WITHOUT_OBJECTS = IMAGE_REASONS.index("without_objects")
BEYOND_SUBSET = IMAGE_REASONS.index("beyond_subset")
IMAGE_LEFT_OUT = ANNOTATION_REASONS.index("image_left_out")


def filter_images(everything: Everything, config: ShapeConfig) -> Splits:
    """The reason for each image, by its size alone; int8 [I]."""
    shorter = np.minimum(everything.heights, everything.widths)
    longer = np.maximum(everything.heights, everything.widths)
    too_long = longer > config.max_image_side if config.max_image_side else np.zeros(len(longer), np.bool_)
    return _first_reason([shorter < config.min_image_side, too_long])


def filter_annotations(everything: Everything, config: ShapeConfig, place: Ints) -> Splits:
    """The reason for each annotation, by its class and size; int8 [A].

    A crowd region goes with its class alone. It marks where objects are that nobody outlined one by one: without it,
    whatever a model finds there would count as wrong, however small or large the region is.

    Args:
        place: As `ClassPlan` has it.
    """
    single = ~everything.crowd
    return _first_reason(
        [
            place[everything.category] < 0,
            single & (everything.area < config.min_area),
            single & (everything.area > config.max_area),
            single & (everything.box[:, 2:].min(1) < config.min_side),
        ]
    )


def _first_reason(conditions: list[np.ndarray]) -> Splits:
    reasons = np.zeros(len(conditions[0]), np.int8)
    for number in range(len(conditions), 0, -1):
        reasons[conditions[number - 1]] = number
    return reasons
