"""How far two distributions over the same bins are from each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_UNSEEN = 0.5  # objects that are added for each bin: an empty bin is no proof that nothing belongs there


def psi(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The population stability index of two histograms: the sum over the bins of (p - q) ln(p / q).

    It is the symmetric Kullback-Leibler divergence. 0 is equal; there is no upper end.

    Args:
        one: Counts or shares of each bin, [k], none of them 0; scaled to a sum of 1. So is `other`.

    Source:
        Kullback and Leibler, "On Information and Sufficiency", 1951 (their J). The name and the rule of thumb are
        from credit scoring: Siddiqi, "Credit Risk Scorecards", 2006.
    """
    p, q = one / one.sum(), other / other.sum()
    return float(((p - q) * np.log(p / q)).sum())


def js_divergence(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The Jensen-Shannon divergence of two histograms in bits: 0 is equal, 1 is nothing in common.

    Its square root is the Jensen-Shannon distance, a metric.

    Source:
        Lin, "Divergence Measures Based on the Shannon Entropy", 1991; the metric: Endres and Schindelin, 2003.
    """
    p, q = one / one.sum(), other / other.sum()
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def smoothed(one: NDArray[Any], other: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The shares of two histograms, drawn a little towards their middle, so that logarithms exist.

    To each are added k / 2 objects that are spread as both are on average: equal shares stay equal, whatever the
    counts. Bins that are empty in both must be left out first.
    """
    p, q = one / one.sum(), other / other.sum()
    added = _UNSEEN * len(one) * (p + q) / 2
    p, q = one + added, other + added
    return p / p.sum(), q / q.sum()


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())
