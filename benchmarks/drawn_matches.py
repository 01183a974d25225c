"""Which detection found which object, drawn without masks: two models on the same images, as many images as wanted.

Like real ones, images differ in how many objects they have and in how hard they are, for both models; classes differ in
how many objects they have; and what one model finds, the other mostly finds, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.table import IOU_THRESHOLDS, MatchTable


@dataclass(frozen=True, slots=True)
class Model:
    """How good a model is.

    Attributes:
        skill: Of the masks and scores; 1 more is much better.
        false: How many detections of nothing there are in an image, mean.
    """

    skill: float = 0.0
    false: float = 6.0


@dataclass(frozen=True, slots=True)
class World:
    """What the images are like.

    Attributes:
        classes: How many; the odds of each are half those of the one before it, or so.
        objects: In an image, mean.
        crowding: How much that differs: of a gamma distribution with this shape, so less is more.
    """

    classes: int = 4
    objects: float = 5.0
    crowding: float = 1.0


def draw_pair(world: World, models: tuple[Model, Model], images: int, seed: int) -> tuple[MatchTable, MatchTable]:
    """The tables of both models on the same images."""
    random = np.random.default_rng(seed)
    many = random.poisson(world.objects * random.gamma(world.crowding, 1 / world.crowding, images))
    object_image = np.repeat(np.arange(images), many)
    odds = 0.6 ** np.arange(world.classes)
    object_class = random.choice(world.classes, len(object_image), p=odds / odds.sum())
    hard = random.normal(0, 0.6, images)
    object_hard = hard[object_image] + random.normal(0, 0.8, len(object_image))
    first, second = (
        _draw(world, model, images, (object_image, object_class, object_hard), hard, random) for model in models
    )
    return first, second


def _draw(
    world: World,
    model: Model,
    images: int,
    objects: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    hard: NDArray[np.float64],
    random: np.random.Generator,
) -> MatchTable:
    object_image, object_class, object_hard = objects
    seen = model.skill + 0.8 - object_hard + random.normal(0, 0.7, len(object_image))
    iou = 0.35 + 0.62 / (1 + np.exp(-seen))
    found = iou[:, None] >= IOU_THRESHOLDS[None]
    score = 1 / (1 + np.exp(-(seen + random.normal(0, 0.8, len(seen)))))
    false = random.poisson(model.false * np.exp(0.5 * hard))
    false_image = np.repeat(np.arange(images), false)
    false_class = random.integers(0, world.classes, len(false_image))
    false_score = 1 / (1 + np.exp(-(random.normal(-1.2, 1.1, len(false_image)))))
    image = np.concatenate([object_image, false_image])
    category = np.concatenate([object_class, false_class])
    scores = np.concatenate([score, false_score])
    hits = np.concatenate([found, np.zeros((len(false_image), len(IOU_THRESHOLDS)), bool)])
    order = np.lexsort((np.arange(len(image)), image, -scores, category))
    return MatchTable(
        image_ids=np.arange(1, images + 1),
        category_ids=np.arange(1, world.classes + 1),
        category_names=np.array([f"class {place}" for place in range(world.classes)]),
        image=image[order].astype(np.int32),
        category=category[order].astype(np.int32),
        score=scores[order],
        row=order.astype(np.int32),
        hits=hits[order],
        ignored=np.zeros_like(hits),
        object_image=object_image.astype(np.int32),
        object_category=object_class.astype(np.int32),
        object_area=np.full(len(object_image), 1000.0),
        object_row=np.arange(len(object_image), dtype=np.int32),
        object_found=found,
        dataset="drawn",
    )
