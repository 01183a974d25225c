"""Small data sets in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sparseinst.data.categories import Category
from sparseinst.data.shaping.table import NEITHER, Everything


def world(
    images: Sequence[Sequence[int]],
    classes: Sequence[str] = ("person", "car", "bus", "cat"),
    *,
    split: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    **columns: Any,
) -> Everything:
    """Images of 100 x 200 pixels, each with the given classes; an object has 50 pixels in a box of 10 x 10.

    The ids are 3, 5, 7, … so that a place in the list is not mistaken for an id.
    """
    image = np.repeat(np.arange(len(images)), [len(objects) for objects in images])
    count = len(image)
    values: dict[str, Any] = {
        "categories": [Category(2 * place + 3, name) for place, name in enumerate(classes)],
        "split": np.full(len(images), NEITHER) if split is None else split,
        "names": names or [f"{number:05d}.jpg" for number in range(len(images))],
        "groups": None,
        "heights": np.full(len(images), 100),
        "widths": np.full(len(images), 200),
        "image": image,
        "category": [one for objects in images for one in objects],
        "crowd": np.zeros(count, np.bool_),
        "area": np.full(count, 50),
        "box": np.tile([1, 2, 10, 10], (count, 1)),
        **columns,
    }
    for name in ("heights", "widths", "image", "category", "area", "box"):
        values[name] = np.array(values[name], np.int64)
    values["split"], values["crowd"] = np.array(values["split"], np.int8), np.array(values["crowd"], np.bool_)
    return Everything(**values)


def skewed(images: int, classes: int, seed: int = 0, split: int = NEITHER) -> Everything:
    """Many images with 0 to 6 objects; the commonest class has some thousand times as many as the rarest."""
    generator = np.random.default_rng(seed)
    shares = 1 / np.arange(1, classes + 1) ** 1.8
    counts = generator.integers(0, 7, images)
    objects = generator.choice(classes, counts.sum(), p=shares / shares.sum())
    by_image = np.split(objects, np.cumsum(counts)[:-1])
    return world(by_image, [f"class {number}" for number in range(classes)], split=[split] * images)


def shuffled(everything: Everything, seed: int) -> tuple[Everything, Any, Any]:
    """The same with images and annotations in another order, and the old rows of the new ones."""
    generator = np.random.default_rng(seed)
    images = generator.permutation(len(everything.names))
    annotations = generator.permutation(len(everything.image))
    new_rows = np.argsort(images)
    changed = replace(
        only_annotations(everything, annotations),
        split=everything.split[images],
        names=[everything.names[row] for row in images],
        groups=None if everything.groups is None else [everything.groups[row] for row in images],
        heights=everything.heights[images],
        widths=everything.widths[images],
    )
    return replace(changed, image=new_rows[changed.image]), images, annotations


def only_annotations(everything: Everything, rows: Any) -> Everything:
    """The same with some of the annotations, in that order."""
    columns = ("image", "category", "crowd", "area", "box")
    return replace(everything, **{name: getattr(everything, name)[rows] for name in columns})


@st.composite
def worlds(draw: st.DrawFn, least_images: int = 0, splits: Sequence[int] = (NEITHER,)) -> Everything:
    """Any small data set of four classes, with crowds, sizes and groups."""
    images = draw(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=least_images, max_size=25))
    count = sum(map(len, images))
    sides = st.integers(1, 20)
    boxes = draw(st.lists(st.tuples(st.just(0), st.just(0), sides, sides), min_size=count, max_size=count))
    draws = {
        "split": draw(st.lists(st.sampled_from(splits), min_size=len(images), max_size=len(images))),
        "groups": draw(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=len(images), max_size=len(images))),
        "heights": draw(st.lists(st.integers(1, 40), min_size=len(images), max_size=len(images))),
        "widths": draw(st.lists(st.integers(1, 40), min_size=len(images), max_size=len(images))),
        "crowd": draw(st.lists(st.booleans(), min_size=count, max_size=count)),
        "area": draw(st.lists(st.integers(0, 400), min_size=count, max_size=count)),
        "box": np.array(boxes, np.int64).reshape(-1, 4),
    }
    return world(images, **draws)
