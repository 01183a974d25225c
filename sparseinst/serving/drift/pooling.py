"""Bins that hold too few objects to compare become one with others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_EXPECTED = 5.0  # objects in a bin, below which the chi-square law no longer holds: Cochran, 1954


def neighbours(expected: NDArray[np.float64]) -> NDArray[np.intp]:
    """Joins bins that have an order, each with the next ones, until every one is large enough.

    Args:
        expected: Objects in each bin, [k].

    Returns:
        The new place of each bin, [k], from 0 on without gaps.
    """
    places = np.zeros(len(expected), np.intp)
    place, held = 0, 0.0
    for index, value in enumerate(expected):
        if held >= LEAST_EXPECTED and expected[index:].sum() >= LEAST_EXPECTED:
            place, held = place + 1, 0.0
        places[index] = place
        held += value
    return places


def smallest(expected: NDArray[np.float64]) -> NDArray[np.intp]:
    """Joins bins that have no order: all that are too small, and the next larger one if those are still too small.

    Takes and gives the same as `neighbours`.
    """
    order = np.argsort(expected, kind="stable")
    total = np.cumsum(expected[order])
    small = int((expected < LEAST_EXPECTED).sum())
    if small and total[small - 1] < LEAST_EXPECTED:
        small += 1
    places = np.zeros(len(expected), np.intp)
    large = np.sort(order[small:])
    places[large] = np.arange(len(large)) + (1 if small else 0)
    return places
