"""The size an image has when the network sees it, and the one way to bring it there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def target_size(height: int, width: int, short: int, longest: int) -> tuple[int, int]:
    """The size with the same aspect ratio whose shorter side is `short`, unless the longer would exceed `longest`.

    Returns:
        (height, width) in pixels, each rounded half up and at least 1.

    Source:
        detectron2's ResizeShortestEdge, the rule the SparseInst authors train and test with.
    """
    scale = short / min(height, width)
    new_height, new_width = (short, scale * width) if height < width else (scale * height, short)
    longer = max(new_height, new_width)
    if longer > longest:
        new_height, new_width = new_height * (longest / longer), new_width * (longest / longer)
    return max(1, int(new_height + 0.5)), max(1, int(new_width + 0.5))


def resize_image(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resizes with Pillow's bilinear filter, which averages over the source area when it shrinks.

    Filters without that averaging (OpenCV's, or torch's without antialias) change what the network answers.

    Args:
        image: uint8, [H, W, 3].

    Returns:
        uint8, [height, width, 3]; the same array when it already has that size.
    """
    if image.shape[:2] == (height, width):
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
