"""What two samples of one distribution differ by, by chance alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE_ALARMS = 1e-4  # of so many comparisons without drift, one may say drift: the bound of all tests here


@dataclass(frozen=True, slots=True)
class Chance:
    """How the statistic S = sum of (p - q)^2 / ((p + q) / 2) is spread where there is no drift.

    PSI is nearly S, and the Jensen-Shannon divergence in bits nearly S / (8 ln 2), where both are small.

    Attributes:
        mean: Of S; 0 would be no bias.
        limit: What S exceeds in one of 10 000 cases.
    """

    mean: float
    limit: float


def statistic(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """S of two lists of shares; see `Chance`."""
    return float(((p - q) ** 2 / ((p + q) / 2)).sum())


def chance(bins: int, effects: NDArray[np.float64], samples: tuple[float, float], pictures: float) -> Chance:
    """The spread of S over samples of pictures, each with any number of objects.

    Args:
        bins: How many there are, k, none of them empty.
        effects: The design effects of the histogram before bins were joined, descending. Joining is a projection, so
            the k - 1 largest bound those of the joined one (Cauchy's interlacing theorem).
        samples: How many objects the two samples hold.
        pictures: How many pictures the smaller sample has: few do not tell well how pictures vary.

    Source:
        Rao and Scott, "The Analysis of Categorical Data from Complex Sample Surveys", 1981, with the second-order
        correction by Satterthwaite; F in place of chi-square where clusters are few: Thomas and Rao, "Small-Sample
        Comparisons of Level and Power for Simple Goodness-of-Fit Statistics under Cluster Sampling", 1987; for PSI
        without design effects: Yurdakul and Naranjo, "Statistical Properties of the Population Stability Index", 2020.
    """
    from scipy.special import fdtri

    freedom = max(1, bins - 1)
    used = effects[:freedom]
    used = np.append(used, np.full(freedom - len(used), used[-1] if len(used) else 1.0))
    mean = float(used.mean())
    unequal = float((used**2).mean()) / mean**2  # 1 and the squared variation of the effects
    scale = mean * (1 / samples[0] + 1 / samples[1])
    times = float(fdtri(freedom / unequal, max(1.0, pictures - 1), 1 - FALSE_ALARMS))
    return Chance(scale * freedom, scale * freedom * times)
