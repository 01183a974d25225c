"""Two parts of a data set, and what it costs to move a unit from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.shaping.strata import Strata
from sparseinst.data.shaping.table import Flags, Ints

MOST_CANDIDATES = 4096  # units that are compared before one of them is moved
_MISSING = 1e9  # what a class costs that is missing in a part; far more than any unevenness


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where each class has to be; bool [C] each."""

    inside: Flags
    outside: Flags


class Parts:
    """Which units are inside, and how many images of each class that are.

    Attributes:
        inside: bool [U].
        have: Images of each class inside, int64 [C].
        excess: Images inside beyond the wanted number; less than 0 where some are lacking.
    """

    def __init__(self, strata: Strata, size: int, wanted: Wanted, inside: Flags) -> None:
        self.strata = strata
        self.wanted = wanted
        self.totals = strata.totals()
        self.share = size / int(strata.weights.sum())
        self.inside = inside
        chosen = inside[strata.units]
        self.have = np.bincount(strata.classes[chosen], strata.images[chosen], strata.width).astype(np.int64)
        self.excess = int(strata.weights[inside].sum()) - size
        self._units_inside = int(inside.sum())

    def move(self, unit: int) -> None:
        pairs, _ = self.strata.pairs_of(np.array([unit]))
        sign = -1 if self.inside[unit] else 1
        self.have[self.strata.classes[pairs]] += sign * self.strata.images[pairs]
        self.inside[unit] = not self.inside[unit]
        self.excess += sign * int(self.strata.weights[unit])
        self._units_inside += sign

    def cheapest(self, units: Ints) -> int:
        """Of some units, the one whose move leaves the classes most even."""
        return int(units[self.costs(units).argmin()])

    def costs(self, units: Ints) -> NDArray[np.float64]:
        """How much more uneven the classes get when one of the units moves; less than 0 where they get more even."""
        pairs, owner = self.strata.pairs_of(units)
        classes, images = self.strata.classes[pairs], self.strata.images[pairs]
        now = self.have[classes]
        signs = np.where(self.inside[units], -1, 1).astype(np.int64)
        then = now + signs[owner] * images
        change = self._unevenness(then, classes) - self._unevenness(now, classes)
        return np.bincount(owner, change, len(units)).astype(np.float64)

    def unevenness(self) -> float:
        """How uneven all classes are together: squared deviations from the share, by the size of the class."""
        return float(self._unevenness(self.have, np.arange(self.strata.width)).sum())

    def missing(self) -> Ints:
        """The classes that are missing in a part where they have to be, the rarest first."""
        missing = np.flatnonzero(self._is_missing(self.have, np.arange(self.strata.width)))
        return missing[np.argsort(self.totals[missing], kind="stable")]

    def nearest(self, side: bool, lighter_than: float) -> Ints:
        """Units that are inside (or not), those whose hash is nearest to the other part's first; never the last unit.

        So the images that move are those that another data set of the same images would have on the other side.
        """
        if self._units_inside == (1 if side else len(self.inside) - 1):
            return np.zeros(0, np.int64)
        units = np.flatnonzero((self.inside == side) & (self.strata.weights < lighter_than))
        return (units[::-1] if side else units)[:MOST_CANDIDATES]

    def state(self) -> tuple[Any, ...]:
        """What `restore` goes back to."""
        return self.inside.copy(), self.have.copy(), self.excess, self._units_inside

    def restore(self, state: tuple[Any, ...]) -> None:
        self.inside, self.have, self.excess, self._units_inside = state

    def _unevenness(self, have: Ints, classes: Ints) -> NDArray[np.float64]:
        totals = self.totals[classes]
        return (have - self.share * totals) ** 2 / np.maximum(totals, 1) + _MISSING * self._is_missing(have, classes)

    def _is_missing(self, have: Ints, classes: Ints) -> Flags:
        lacks_inside = self.wanted.inside[classes] & (have <= 0)
        return lacks_inside | (self.wanted.outside[classes] & (have >= self.totals[classes]))
