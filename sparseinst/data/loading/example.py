"""One training example: pixels, and the objects in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Target:
    """The objects of one image.

    Attributes:
        classes: int64 [m], indices into the categories.
        masks: bool or uint8 [m, h, w], at the size of the image that the network sees, without padding.
    """

    classes: Tensor
    masks: Tensor

    def to(self, device: torch.device | str) -> Target:
        return Target(self.classes.to(device, non_blocking=True), self.masks.to(device, non_blocking=True))


@dataclass(frozen=True, slots=True)
class Example:
    """An image as the network sees it, its objects, and its id in the annotation file.

    The image is uint8 RGB [3, h, w]. In memory a pixel's channels lie together: such images are batched twice as fast.

    Attributes:
        replaced: The images that should have been here and cannot be read, each with the reason; mostly none.
    """

    image: Tensor
    target: Target
    image_id: int
    replaced: tuple[str, ...] = ()
