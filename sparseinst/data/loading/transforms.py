"""Random changes that make more of few images: the authors' flip, crop and multi-scale resize, and colours.

Everything is decided by one random generator per drawn example, so an example can be made again from its key. What is
decided is done by the functionals of torchvision's transforms v2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sparseinst.data.config import InputConfig
from sparseinst.data.loading.example import Target
from sparseinst.data.loading.scene import Scene, Shape
from sparseinst.imaging.resize import target_size
from sparseinst.torchvision_import import functional


def augment(
    image: npt.NDArray[np.uint8],
    objects: Sequence[tuple[int, Shape]],
    short: int,
    config: InputConfig,
    random: np.random.Generator,
) -> tuple[Tensor, Target]:
    """Flips, crops and resizes an image and its objects, in the authors' order.

    Args:
        image: uint8 RGB [h, w, 3].
        objects: Class index and COCO segmentation of each.
        short: What the shorter side becomes, in pixels, unless the longer would exceed the limit.
        config: The limit and the probabilities.
        random: Decides the flips and the crop.

    Returns:
        The image, uint8 [3, h', w'], and its target; objects without a pixel left are dropped, be it all of them.

    Raises:
        ValueError: An RLE is damaged, or is not one of the image's size.
    """
    scene = Scene.of(image, objects)
    if random.random() < config.flip:
        scene = scene.flipped(functional.horizontal_flip)
    if random.random() < config.vertical_flip:
        scene = scene.flipped(functional.vertical_flip)
    if config.crop and random.random() < config.crop:
        scene = random_crop(scene, config, random)
    scene = scene.resized(target_size(*scene.size, short, config.train_longest_side))
    pixels = scene.image.as_subclass(Tensor)
    if config.colour_jitter:
        pixels = jitter_colours(pixels, config.colour_jitter, random)
    return pixels, scene.target()


def random_crop(scene: Scene, config: InputConfig, random: np.random.Generator) -> Scene:
    """Resizes a scene and cuts a part out of it: the authors' RandomCrop "absolute_range".

    Args:
        scene: An image and its objects.
        config: What the image's shorter side becomes, and how long the sides of a crop are.
        random: Decides all of it; every size and every place is equally likely.
    """
    short = int(random.choice(config.crop_short_sides))
    scene = scene.resized(target_size(*scene.size, short, longest=sys.maxsize))
    height, width = scene.size
    new_height, new_width = (
        int(random.integers(min(side, config.crop_smallest), min(side, config.crop_largest), endpoint=True))
        for side in (height, width)
    )
    top = int(random.integers(height - new_height, endpoint=True))
    left = int(random.integers(width - new_width, endpoint=True))
    return scene.cropped(top, left, new_height, new_width)


def jitter_colours(image: Tensor, strength: float, random: np.random.Generator) -> Tensor:
    """Gives each channel a gain in 1 ± strength and an offset in ± 64 strength; uint8 RGB [3, h, w] to the same."""
    gain = 1 + strength * random.uniform(-1, 1, 3)
    offset = 64 * strength * random.uniform(-1, 1, 3)
    levels = np.arange(256)[:, None] * gain + offset
    table = levels.round().clip(0, 255).astype(np.uint8)
    pixels = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    return torch.from_numpy(np.asarray(cv2.LUT(pixels, table[None]), np.uint8)).permute(2, 0, 1)
