"""Divides units into two parts so that each class is divided in the same proportion, as far as that is possible.

In the spirit of iterative stratification for data of several labels (Sechidis, Tsoumakas and Vlahavas, "On the
Stratification of Multi-Label Data", ECML PKDD 2011): the rarest class first, of each class as many as it still lacks.
Two things are our own. Within a class the order of a hash decides and not chance, so that the division is the same
however the images are ordered. And afterwards single units change sides: until each class is in both parts where it
can be, until the size is met, and as long as that makes the classes more even. Groups of images need the last most:
of 500 groups of 1 to 50 images with 80 classes, a tenth holds 8 to 12 % of each class after it, and 6 to 14 % before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.shaping.strata import Strata
from sparseinst.data.shaping.table import Flags, Ints

_MOST_CANDIDATES = 4096  # units that are compared before one of them changes sides
_MISSING = 1e9  # what a class costs that is missing in a part; far more than any unevenness
_MOST_EXCHANGES = 100
_LEAST_GAIN = 1e-6  # of an exchange; keeps rounding errors from being one
_ATTEMPTS = 8  # at an exchange that makes the classes more even, before there is held to be none


def divide(strata: Strata, size: int, *, both: bool) -> Flags:
    """Chooses units of about `size` images; bool [U].

    The chosen ones and the others have at least one unit each. The size is met exactly where each unit is one image,
    and to within the largest unit otherwise.

    Args:
        strata: At least two units.
        size: Images, at least 1 and fewer than there are.
        both: Each class of two units or more has to be in both parts, a class of one unit in the other part;
            if false, each class has to be in the chosen part.
    """
    division = _Division(strata, size, both)
    division.assign()
    division.cover()
    division.fill()
    division.balance()
    if both:
        division.exchange()
    return division.inside


class _Division:
    def __init__(self, strata: Strata, size: int, both: bool) -> None:
        self.strata = strata
        self.size = size
        self.share = size / int(strata.weights.sum())
        self.totals = strata.totals()
        self.inside = np.zeros(len(strata.weights), np.bool_)
        self.have = np.zeros(strata.width, np.int64)  # images of each class that are inside
        self._inside_count = 0  # units
        self._too_many = -size  # images; less than 0 where some are lacking
        units = np.bincount(strata.classes, minlength=strata.width)
        self.wanted_inside = units >= (2 if both else 1)
        self.wanted_outside = (units >= 2) & both
        self._by_class = np.argsort(strata.classes, kind="stable")
        self._ends = np.cumsum(units)
        self._lone = (units == 1) & both
        order = np.argsort(self.totals, kind="stable")  # the rarest first
        self._order = order[self.totals[order] > 0]

    def _pairs_of_class(self, number: int) -> Ints:
        """The pairs of one class, in the order of the units."""
        start = self._ends[number - 1] if number else 0
        return self._by_class[start : self._ends[number]]

    def assign(self) -> None:
        """Decides on each unit by its rarest class."""
        strata, open_units = self.strata, np.ones(len(self.inside), np.bool_)
        for number in self._order:
            pairs = self._pairs_of_class(number)
            units = strata.units[pairs]
            have = strata.images[pairs[self.inside[units]]].sum()
            free = open_units[units]
            lacking = self._target(number) - int(have)
            self.inside[units[free]] = _take(strata.images[pairs[free]], lacking)
            open_units[units] = False
        chosen = self.inside[strata.units]
        self.have = np.bincount(strata.classes[chosen], strata.images[chosen], strata.width).astype(np.int64)
        self._inside_count = int(self.inside.sum())
        self._too_many = int(strata.weights[self.inside].sum()) - self.size

    def _target(self, number: int) -> int:
        total = int(self.totals[number])
        if self._lone[number]:
            return 0
        target = max(math.floor(self.share * total + 0.5), int(self.wanted_inside[number]))
        return min(target, total - int(self.wanted_outside[number]))

    def cover(self) -> None:
        """Moves a unit of each class that is missing in a part, where that does not take another class away."""
        for number in self._order:
            if not self._is_missing(self.have[number], number):
                continue
            units = self.strata.units[self._pairs_of_class(number)][:_MOST_CANDIDATES]
            costs = self._costs(units)
            if costs.min() < 0:
                self._flip(int(units[costs.argmin()]))

    def fill(self) -> None:
        """Leaves neither part without a unit."""
        if self.inside.all() or not self.inside.any():
            self._flip(int(self.strata.weights.argmin()))

    def balance(self, fixed: int = -1) -> None:
        """Moves units until the size cannot be met better; never the one that is `fixed`, nor the last of a part."""
        nearest = np.zeros(0, np.int64)
        while self._too_many and self._count(self._too_many > 0) > 1:
            side, lighter_than = self._too_many > 0, 2 * abs(self._too_many)
            fitting = nearest[(self.inside[nearest] == side) & (self.strata.weights[nearest] < lighter_than)]
            if not len(fitting):
                fitting = nearest = self._nearest(side, lighter_than, fixed)
            if not len(fitting):
                break
            self._flip(int(fitting[self._costs(fitting).argmin()]))

    def exchange(self) -> None:
        """Changes the side of a unit, and of others to meet the size again, as long as the classes get more even."""
        if len(self.inside) < 3:
            return
        heaviest = int(self.strata.weights.max())
        slack = max(abs(self._too_many), heaviest // 2)
        for _ in range(_MOST_EXCHANGES):
            units = np.concatenate(
                [self._nearest(side, heaviest + 1) for side in (True, False) if self._count(side) > 1]
            )
            best = np.argsort(self._costs(units), kind="stable")[:_ATTEMPTS]
            if not any(self._try_exchange(unit, slack) for unit in units[best].tolist()):
                break

    def _try_exchange(self, unit: int, slack: int) -> bool:
        before = self.inside.copy(), self.have.copy(), self._inside_count, self._too_many
        unevenness = self._total_unevenness()
        self._flip(unit)
        self.balance(fixed=unit)
        if abs(self._too_many) <= slack and self._total_unevenness() < unevenness - _LEAST_GAIN:
            return True
        self.inside, self.have, self._inside_count, self._too_many = before
        return False

    def _count(self, side: bool) -> int:
        return self._inside_count if side else len(self.inside) - self._inside_count

    def _nearest(self, side: bool, lighter_than: int, but: int = -1) -> Ints:
        """Units of a part, those whose hash is nearest to the other part's first."""
        units = np.flatnonzero((self.inside == side) & (self.strata.weights < lighter_than))
        units = units[units != but]
        return (units[::-1] if side else units)[:_MOST_CANDIDATES]

    def _costs(self, units: Ints) -> NDArray[np.float64]:
        """How much more uneven the classes are when one of the units changes sides."""
        pairs, owner = self.strata.pairs_of(units)
        classes, images = self.strata.classes[pairs], self.strata.images[pairs]
        now = self.have[classes]
        signs = np.where(self.inside[units], -1, 1).astype(np.int64)
        then = now + signs[owner] * images
        change = self._unevenness(then, classes) - self._unevenness(now, classes)
        return np.bincount(owner, change, len(units)).astype(np.float64)

    def _total_unevenness(self) -> float:
        return float(self._unevenness(self.have, np.arange(self.strata.width))[self._order].sum())

    def _unevenness(self, have: Ints, classes: Ints) -> NDArray[np.float64]:
        totals = self.totals[classes]
        return (have - self.share * totals) ** 2 / np.maximum(totals, 1) + _MISSING * self._is_missing(have, classes)

    def _is_missing(self, have: Ints, classes: Ints) -> Flags:
        lacks_inside = self.wanted_inside[classes] & (have <= 0)
        return lacks_inside | (self.wanted_outside[classes] & (have >= self.totals[classes]))

    def _flip(self, unit: int) -> None:
        pairs, _ = self.strata.pairs_of(np.array([unit]))
        sign = -1 if self.inside[unit] else 1
        self.have[self.strata.classes[pairs]] += sign * self.strata.images[pairs]
        self.inside[unit] = not self.inside[unit]
        self._inside_count += sign
        self._too_many += sign * int(self.strata.weights[unit])


def _take(images: Ints, lacking: int) -> Flags:
    """Chooses from the front what fits into the number that is lacking; bool of the same shape."""
    fits = images <= lacking
    return fits & (np.cumsum(np.where(fits, images, 0)) <= lacking)
