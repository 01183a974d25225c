"""Shapes a data set: its classes, then what is large enough, then the split, then the subset."""

from __future__ import annotations

import numpy as np

from sparseinst.data.shaping.classes import plan_classes
from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.facts import count_facts, split_facts
from sparseinst.data.shaping.filters import (
    BEYOND_SUBSET,
    IMAGE_LEFT_OUT,
    KEPT,
    WITHOUT_OBJECTS,
    filter_annotations,
    filter_images,
)
from sparseinst.data.shaping.split import choose_subset, is_undecided, make_split
from sparseinst.data.shaping.table import NEITHER, Everything, Ints, Shaped, Splits


def shape(everything: Everything, config: ShapeConfig) -> Shaped:
    """Says what becomes of each image and annotation; the same for the same images in any order.

    Raises:
        ConfigError: Classes or groups are asked for that are not there, or that contradict each other.
        DatasetError: Train and val have to be made, but cannot be.
    """
    plan = plan_classes(everything.categories, config)
    images = filter_images(everything, config)
    annotations = filter_annotations(everything, config, plan.place)
    category = plan.place[everything.category]
    presence = _presence(everything, category, images, annotations)
    if not config.keep_empty:
        empty = np.ones(len(images), np.bool_)
        empty[presence[:, 0]] = False
        images[empty & (images == KEPT)] = WITHOUT_OBJECTS
    undecided = is_undecided(everything, config)
    split = make_split(everything, config, images == KEPT, presence) if undecided else everything.split.copy()
    split[images != KEPT] = NEITHER
    if config.subset:
        images[~choose_subset(everything, config, split, presence) & (images == KEPT)] = BEYOND_SUBSET
    left_out = images != KEPT
    split[left_out] = NEITHER
    annotations[(annotations == KEPT) & left_out[everything.image]] = IMAGE_LEFT_OUT
    category[annotations != KEPT] = -1
    facts = count_facts(everything, images, annotations, classes=len(plan.categories))
    facts |= split_facts(everything, split, category, plan.categories, presence, undecided)
    return Shaped(split, category, plan.categories, plan.category_map, facts)


def _presence(everything: Everything, category: Ints, images: Splits, annotations: Splits) -> Ints:
    """Pairs (image, class) of the kept objects in kept images, each once and sorted; int64 [N, 2].

    Crowd regions are left aside: an image with nothing else has no object, for training and for the score alike.
    """
    counted = (annotations == KEPT) & ~everything.crowd & (images[everything.image] == KEPT)
    width = int(category.max(initial=-1)) + 1
    # With the counts, numpy sorts; without them it builds a hash table, which takes several times as long for millions.
    pairs, _ = np.unique(everything.image[counted] * width + category[counted], return_counts=True)
    return np.stack(np.divmod(pairs, max(width, 1)), 1)
