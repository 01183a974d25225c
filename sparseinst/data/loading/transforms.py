"""Random changes that make more of few images: the authors' flip, crop and multi-scale resize, and colours.

Everything is decided by one random generator per drawn example, so an example can be made again from its key.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sparseinst.data.config import InputConfig
from sparseinst.data.loading.example import Target
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.masks.coco import Segmentation, segmentation_to_mask

Image = npt.NDArray[np.uint8]


class Window(NamedTuple):
    """The part of an image that a crop keeps, in pixels of that image. Its edges may lie between pixels."""

    top: float
    left: float
    height: float
    width: float


def augment(
    image: Image,
    objects: Sequence[tuple[int, Segmentation]],
    short: int,
    config: InputConfig,
    random: np.random.Generator,
) -> tuple[Image, Target]:
    """Crops, resizes and flips an image and its objects.

    The authors flip first. Every place of a crop is as likely as its mirror image, so the order changes no odds.

    Args:
        image: uint8 RGB [h, w, 3].
        objects: Class index and COCO segmentation of each.
        short: What the shorter side becomes, in pixels, unless the longer would exceed the limit.
        config: The limit and the probabilities.
        random: Decides the crop and the flips.

    Returns:
        The image, uint8 [h', w', 3], and its target; objects without a pixel left are dropped, be it all of them.
    """
    height, width = image.shape[:2]
    window = None
    if config.crop and random.random() < config.crop:  # without crops nothing is drawn: older runs can be repeated
        image, window = random_crop(image, config, random)
    new_height, new_width = target_size(image.shape[0], image.shape[1], short, config.train_longest_side)
    masks = [resize_segmentation(s, (height, width), (new_height, new_width), window) for _, s in objects]
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


def random_crop(image: Image, config: InputConfig, random: np.random.Generator) -> tuple[Image, Window]:
    """Resizes an image and cuts a part out of it: the authors' RandomCrop "absolute_range".

    Args:
        image: uint8 RGB [h, w, 3].
        config: What its shorter side becomes, and how long the sides of a crop are.
        random: Decides all of it; every size and every place is equally likely.

    Returns:
        The part, uint8 [h', w', 3], and where it lies in the image that was given.
    """
    old_height, old_width = image.shape[:2]
    short = int(random.choice(config.crop_short_sides))
    height, width = target_size(old_height, old_width, short, longest=sys.maxsize)
    image = resize_image(image, height, width)
    new_height, new_width = (
        int(random.integers(min(side, config.crop_smallest), min(side, config.crop_largest), endpoint=True))
        for side in (height, width)
    )
    top = int(random.integers(height - new_height, endpoint=True))
    left = int(random.integers(width - new_width, endpoint=True))
    down, right = old_height / height, old_width / width
    window = Window(top * down, left * right, new_height * down, new_width * right)
    return image[top : top + new_height, left : left + new_width], window


def jitter_colours(image: Image, strength: float, random: np.random.Generator) -> Image:
    """Gives each channel a gain in 1 ± strength and an offset in ± 64 strength; uint8 RGB [h, w, 3] to the same."""
    gain = 1 + strength * random.uniform(-1, 1, 3)
    offset = 64 * strength * random.uniform(-1, 1, 3)
    levels = np.arange(256)[:, None] * gain + offset
    table = levels.round().clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(image), table[None]), np.uint8)


def resize_segmentation(
    segmentation: Segmentation, old: tuple[int, int], new: tuple[int, int], window: Window | None = None
) -> npt.NDArray[np.uint8]:
    """The mask of a segmentation, or of what lies in a window of its image, at another size: uint8 [*new].

    Polygons are scaled and then drawn, RLE masks are resized to the nearest pixel, as the authors' loader does.
    """
    if window is None and old == new:
        return segmentation_to_mask(segmentation, *old)
    if isinstance(segmentation, dict):
        mask = segmentation_to_mask(segmentation, *old)
        if window is not None:
            return _nearest(mask, new, window)
        return np.asarray(cv2.resize(mask, new[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    top, left, height, width = window or (0, 0, *old)
    corner, scale = np.array([left, top]), np.array([new[1] / width, new[0] / height])
    moved: list[Any] = [((np.reshape(part, (-1, 2)) - corner) * scale).ravel().tolist() for part in segmentation]
    return segmentation_to_mask(moved, *new)


def _nearest(mask: npt.NDArray[np.uint8], new: tuple[int, int], window: Window) -> npt.NDArray[np.uint8]:
    """What cv2's INTER_NEAREST_EXACT means, for a window whose edges may lie between pixels: uint8 [*new]."""
    rows = ((np.arange(new[0]) + 0.5) * window.height / new[0] + window.top).astype(np.int64)
    columns = ((np.arange(new[1]) + 0.5) * window.width / new[1] + window.left).astype(np.int64)
    # pycocotools' masks lie in memory column by column: columns are taken as a whole, and then rows likewise.
    return np.ascontiguousarray(mask.T.take(columns, 0).T).take(rows, 0)
