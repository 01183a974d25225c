"""One split of a dataset as columns of numbers: what the report is drawn from, and what is counted for the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class SplitTable:
    """The I images and A annotations of one split.

    Attributes:
        name: "train", "val", or the file's name.
        heights: int64, [I], in pixels.
        widths: int64, [I], in pixels.
        file_names: I names, as the annotation file has them.
        image: int64, [A], the row of each annotation's image.
        category: int64, [A], the place of its class in the sorted list of categories.
        crowd: bool, [A], True for crowd regions, which are no objects.
        area: float64, [A], pixels of the mask.
        box: float64, [A, 4], x, y, width and height of the mask's pixels.
    """

    name: str
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    file_names: Sequence[str]
    image: NDArray[np.int64]
    category: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    area: NDArray[np.float64]
    box: NDArray[np.float64]

    @property
    def images(self) -> int:
        return len(self.file_names)

    @property
    def objects(self) -> int:
        return len(self.crowd) - self.crowds

    @property
    def crowds(self) -> int:
        return int(np.count_nonzero(self.crowd))

    def objects_per_image(self) -> NDArray[np.int64]:
        """int64, [I]; crowd regions are not counted."""
        return np.bincount(self.image[~self.crowd], minlength=self.images)

    def objects_per_class(self, classes: int) -> NDArray[np.int64]:
        """int64, [classes]; crowd regions are not counted."""
        return np.bincount(self.category[~self.crowd], minlength=classes)

    def object_sides(self) -> NDArray[np.float64]:
        """float64, [objects]: the side in pixels of a square with the mask's area."""
        return np.sqrt(np.maximum(self.area[~self.crowd], 0))
