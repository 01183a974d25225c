"""How many images of each class each unit has: what a stratified division looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from sparseinst.data.shaping.table import Flags, Ints


@dataclass(frozen=True, slots=True)
class Strata:
    """Units in the seed's order. Pairs (unit, class) are sorted by unit, then class.

    Attributes:
        weights: Images of each unit, int64 [U].
        units: The unit of each pair, int64 [P].
        classes: The class of each pair, int64 [P]; the last class stands for images without an object.
        images: How many of the unit's images have the class, int64 [P].
        width: Number of classes, with that one.
    """

    weights: Ints
    units: Ints
    classes: Ints
    images: Ints
    width: int

    @classmethod
    def of(cls, unit: Ints, presence: Ints, width: int) -> Self:
        """Of the unit of each image [I], and of (image, class) pairs [N, 2], each once."""
        empty = np.flatnonzero(np.bincount(presence[:, 0], minlength=len(unit)) == 0)
        rows = np.concatenate([presence[:, 0], empty])
        classes = np.concatenate([presence[:, 1], np.full(len(empty), width)])
        pairs, images = np.unique(unit[rows] * (width + 1) + classes, return_counts=True)
        units, classes = np.divmod(pairs, width + 1)
        weights = np.bincount(unit, minlength=int(unit.max(initial=-1)) + 1)
        return cls(weights, units, classes, images.astype(np.int64), width + 1)

    def only(self, wanted: Flags) -> Self:
        """The units where `wanted` [U] is true, numbered anew."""
        pairs = wanted[self.units]
        numbers = np.cumsum(wanted) - 1
        return type(self)(
            self.weights[wanted], numbers[self.units[pairs]], self.classes[pairs], self.images[pairs], self.width
        )

    def totals(self) -> Ints:
        """Images of each class, int64 [C]."""
        return np.bincount(self.classes, self.images, self.width).astype(np.int64)

    def pairs_of(self, units: Ints) -> tuple[Ints, Ints]:
        """The pairs of some units, and for each pair the place in `units`; every unit has at least one."""
        first = np.searchsorted(self.units, units)
        count = np.searchsorted(self.units, units, side="right") - first
        owner = np.repeat(np.arange(len(units)), count)
        before = np.cumsum(count) - count
        return first[owner] + np.arange(len(owner)) - before[owner], owner
