"""What is trained, on which part of which data, and what has to come out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """One proof. Its settings are those of the configuration `sparseinst/configs/<name>.yaml`.

    Attributes:
        images: Only the first so many training images, which are then the validation images too; 0: all, as they are.
        split: The split whose mask AP counts.
        wanted: The least AP that proves it.
        hoped: What it should rather be.
        minutes: The longest that training may take, by the clock, on two cores that do nothing else.
    """

    name: str
    title: str
    images: int
    split: str
    wanted: float
    hoped: float
    minutes: float


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="overfit",
            title="8 photographs of COCO, learned by heart",
            images=8,
            split="train",
            wanted=0.50,
            hoped=0.70,
            minutes=15,
        ),
        Recipe(
            name="nuclei",
            title="nuclei of the 2018 Data Science Bowl, 120 images from random weights",
            images=0,
            split="val",
            wanted=0.15,
            hoped=0.30,
            minutes=30,
        ),
    )
}
