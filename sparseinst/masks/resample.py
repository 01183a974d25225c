"""From the network's coarse grid to the pixels of the original image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MASK_STRIDE = 4  # image pixels per cell of the grid


def resample(
    grid: NDArray[np.float32], image_size: tuple[int, int], original_size: tuple[int, int]
) -> NDArray[np.float32]:
    """Enlarges a grid to the padded image, cuts the padding off, and resizes to the original image.

    Both steps are bilinear with pixel centres at halves, as in torch with align_corners=False. OpenCV does one grid at
    a time ten times as fast as torch does them together on a CPU.

    Args:
        grid: float32 [H / 4, W / 4], over the padded image.
        image_size: Height and width of the image that the network saw, without the padding.
        original_size: Height and width of the result.

    Returns:
        float32 [*original_size].
    """
    rows, columns = grid.shape[0] * MASK_STRIDE, grid.shape[1] * MASK_STRIDE
    enlarged = cv2.resize(grid, (columns, rows), interpolation=cv2.INTER_LINEAR)[: image_size[0], : image_size[1]]
    if enlarged.shape != tuple(original_size):
        enlarged = cv2.resize(enlarged, original_size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged, np.float32)
