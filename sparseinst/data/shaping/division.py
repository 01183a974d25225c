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
from collections.abc import Sequence

import numpy as np

from sparseinst.data.shaping.parts import MOST_CANDIDATES, Parts, Wanted
from sparseinst.data.shaping.strata import Strata
from sparseinst.data.shaping.table import Flags, Ints

_MOST_EXCHANGES = 100
_ATTEMPTS = 8  # at an exchange that makes the classes more even, before there is held to be none
_LEAST_GAIN = 1e-6  # of an exchange; keeps rounding errors from being one
_MOST_REPAIRS = 60
_KEPT_REPAIRS = 4  # after so many steps a move may be undone


def divide(strata: Strata, size: int, *, both: bool) -> Flags:
    """Chooses units of about `size` images; bool [U].

    The chosen ones and the others have at least one unit each. The size is met exactly where each unit is one image,
    and to within the largest unit otherwise.

    Args:
        strata: At least two units.
        size: Images, at least 1 and fewer than there are.
        both: Each class of two units or more should be in both parts, a class of one unit in the other part;
            if false, each class should be in the chosen part.
    """
    units = np.bincount(strata.classes, minlength=strata.width)
    needed = np.arange(strata.width) < strata.width - 1  # images without an object need not be in both
    wanted = Wanted(inside=needed & (units >= (2 if both else 1)), outside=needed & (units >= 2) & both)
    parts = Parts(strata, size, wanted, _assign(strata, size, wanted, lone=(units == 1) & both))
    _cover(parts)
    if parts.inside.all() or not parts.inside.any():
        parts.move(int(strata.weights.argmin()))
    _balance(parts)
    if both:
        _exchange(parts)
        _repair(parts)
    return parts.inside


def _assign(strata: Strata, size: int, wanted: Wanted, lone: Flags) -> Flags:
    """Decides on each unit by its rarest class."""
    share, totals = size / int(strata.weights.sum()), strata.totals()
    targets = np.maximum(np.floor(share * totals + 0.5).astype(np.int64), wanted.inside)
    targets = np.where(lone, 0, np.minimum(targets, totals - wanted.outside))
    by_class = np.split(np.argsort(strata.classes, kind="stable"), np.cumsum(np.bincount(strata.classes)))
    inside, is_open = np.zeros(len(strata.weights), np.bool_), np.ones(len(strata.weights), np.bool_)
    for number in np.argsort(totals, kind="stable")[np.count_nonzero(totals == 0) :]:
        pairs = by_class[number]
        units = strata.units[pairs]
        lacking = int(targets[number] - strata.images[pairs[inside[units]]].sum())
        free = is_open[units]
        inside[units[free]] = _take(strata.images[pairs[free]], lacking)
        is_open[units] = False
    return inside


def _take(images: Ints, lacking: int) -> Flags:
    """Chooses from the front what fits into the number that is lacking; bool of the same shape."""
    fits = images <= lacking
    return fits & (np.cumsum(np.where(fits, images, 0)) <= lacking)


def _cover(parts: Parts) -> None:
    """Moves a unit of each class that is missing in a part, where that does not take another class away."""
    for number in parts.missing():
        units = _units_of(parts, number)
        costs = parts.costs(units)
        if costs.min() < 0:
            parts.move(int(units[costs.argmin()]))


def _units_of(parts: Parts, number: int) -> Ints:
    return parts.strata.units[parts.strata.classes == number][:MOST_CANDIDATES]


def _balance(parts: Parts, fixed: Sequence[int] = ()) -> None:
    """Moves units until the size cannot be met better; never one of the `fixed`, nor the last of a part."""
    near = np.zeros(0, np.int64)
    while parts.excess:
        side, lighter_than = parts.excess > 0, 2 * abs(parts.excess)
        fitting = near[(parts.inside[near] == side) & (parts.strata.weights[near] < lighter_than)]
        if len(fitting) < 2:  # the last one may be the last of its part
            near = parts.nearest(side, lighter_than)
            fitting = near = near[~np.isin(near, fixed)]
        if not len(fitting):
            break
        parts.move(parts.cheapest(fitting))


def _exchange(parts: Parts) -> None:
    """Moves a unit, and others to meet the size again, as long as the classes get more even."""
    slack = _slack(parts)
    for _ in range(_MOST_EXCHANGES):
        units = np.concatenate([parts.nearest(side, math.inf) for side in (True, False)])
        best = np.argsort(parts.costs(units), kind="stable")[:_ATTEMPTS]
        if not any(_try_exchange(parts, unit, slack) for unit in units[best].tolist()):
            break


def _try_exchange(parts: Parts, unit: int, slack: int) -> bool:
    before, unevenness = parts.state(), parts.unevenness()
    parts.move(unit)
    _balance(parts, fixed=[unit])
    if abs(parts.excess) <= slack and parts.unevenness() < unevenness - _LEAST_GAIN:
        return True
    parts.restore(before)
    return False


def _repair(parts: Parts) -> None:
    """Where classes are still missing in a part, brings in one after the other, though others may have to go for it.

    A unit that went is not brought back at once, so that this does not go in a circle; the best that was found is kept.
    """
    slack, best, least = _slack(parts), parts.state(), parts.unevenness()
    recent = [parts.inside.copy()]
    for number in range(_MOST_REPAIRS):
        missing = parts.missing()
        if not len(missing):
            break
        units = _units_of(parts, missing[number % len(missing)])
        steady = np.all([before[units] == parts.inside[units] for before in recent], axis=0)
        if not steady.any():
            break
        unit = parts.cheapest(units[steady])
        parts.move(unit)
        _balance(parts, fixed=[unit])
        recent = [*recent, parts.inside.copy()][-_KEPT_REPAIRS:]
        if abs(parts.excess) <= slack and parts.unevenness() < least - _LEAST_GAIN:
            best, least = parts.state(), parts.unevenness()
    parts.restore(best)


def _slack(parts: Parts) -> int:
    """How far from the size a change may end: no farther than half of a unit, or than it was."""
    return max(abs(parts.excess), int(parts.strata.weights.max()) // 2)
