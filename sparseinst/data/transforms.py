"""Random changes that make more of few images: the authors' flip and multi-scale resize, and colours.

Everything is decided by one random generator per drawn example, so an example can be made again from its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sparseinst.data.config import InputConfig
from sparseinst.data.example import Target
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.masks.coco import Segmentation, segmentation_to_mask

Image = npt.NDArray[np.uint8]


def augment(
    image: Image,
    objects: Sequence[tuple[int, Segmentation]],
    short: int,
    config: InputConfig,
    random: np.random.Generator,
) -> tuple[Image, Target]:
    """Flips and resizes an image and its objects.

    Args:
        image: uint8 RGB [h, w, 3].
        objects: Class index and COCO segmentation of each.
        short: What the shorter side becomes, in pixels, unless the longer would exceed the limit.
        config: The limit and the probabilities.
        random: Decides the flips.

    Returns:
        The image, uint8 [h', w', 3], and its target; objects without a pixel left are dropped.
    """
    height, width = image.shape[:2]
    new_height, new_width = target_size(height, width, short, config.train_longest_side)
    masks = [resize_segmentation(s, (height, width), (new_height, new_width)) for _, s in objects]
    image = resize_image(image, new_height, new_width)
    stack = np.stack(masks) if masks else np.zeros((0, new_height, new_width), np.uint8)
    if random.random() < config.flip:
        image, stack = image[:, ::-1], stack[:, :, ::-1]
    if random.random() < config.vertical_flip:
        image, stack = image[::-1], stack[:, ::-1]
    if config.colour_jitter:
        image = jitter_colours(image, config.colour_jitter, random)
    seen = stack.any(axis=(1, 2))
    classes = np.array([index for index, _ in objects], dtype=np.int64)[seen]
    return image, Target(torch.from_numpy(classes), torch.from_numpy(np.ascontiguousarray(stack[seen])))


def jitter_colours(image: Image, strength: float, random: np.random.Generator) -> Image:
    """Gives each channel a gain in 1 ± strength and an offset in ± 64 strength; uint8 RGB [h, w, 3] to the same."""
    gain = 1 + strength * random.uniform(-1, 1, 3)
    offset = 64 * strength * random.uniform(-1, 1, 3)
    levels = np.arange(256)[:, None] * gain + offset
    table = levels.round().clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(image), table[None]), np.uint8)


def resize_segmentation(
    segmentation: Segmentation, old: tuple[int, int], new: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """The mask of a segmentation at another size, uint8 [*new].

    Polygons are scaled and then drawn, RLE masks are resized to the nearest pixel, as the authors' loader does.
    """
    if old == new or isinstance(segmentation, dict):
        mask = segmentation_to_mask(segmentation, *old)
        if old == new:
            return mask
        return np.asarray(cv2.resize(mask, new[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    scale = np.array([new[1] / old[1], new[0] / old[0]])
    scaled: list[Any] = [(np.reshape(part, (-1, 2)) * scale).ravel().tolist() for part in segmentation]
    return segmentation_to_mask(scaled, *new)
