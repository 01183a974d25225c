"""From the network's coarse grid to the pixels of the original image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """The sizes on the way from a grid to the original image, each (height, width) in pixels.

    Attributes:
        padded: What the grid lies over: the image with its padding at the bottom and at the right.
        image: What the network was to see.
        original: The image before it was resized for the network.
    """

    padded: Size
    image: Size
    original: Size

    def turned(self) -> Frame:
        """The same with rows and columns exchanged."""
        return Frame(self.padded[::-1], self.image[::-1], self.original[::-1])


def resample(grid: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
    """Enlarges a grid [h, w] to the padded image, cuts the padding off, and resizes to the original image.

    Both steps are bilinear with pixel centres at halves, as in torch with align_corners=False. OpenCV does one grid at
    a time ten times as fast as torch does them together on a CPU.

    Returns:
        float32 [*frame.original].
    """
    enlarged = cv2.resize(grid, frame.padded[::-1], interpolation=cv2.INTER_LINEAR)
    enlarged = enlarged[: frame.image[0], : frame.image[1]]
    if enlarged.shape != frame.original:
        enlarged = cv2.resize(enlarged, frame.original[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged, np.float32)
