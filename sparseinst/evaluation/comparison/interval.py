"""How sure a difference is, from what it was in resamples of the images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

CONFIDENCE = 0.95
_FEWEST_IMAGES = 10  # with objects: what fewer scatter says nothing about how images scatter


def interval(difference: float, resampled: NDArray[np.float64], objects: NDArray[np.float64]) -> dict[str, Any]:
    """Where the difference would lie on many more such images.

    The standard error is that of the resamples; Student's t with the effective number of images widens it where there
    are few, or where few of them hold most of the objects.

    Args:
        difference: On the images themselves.
        resampled: Differences, [B]; NaN where a resample has no object.
        objects: In each image, [I].

    Returns:
        "low" and "high", in [-1, 1], None where fewer than 10 images have an object; "p_worse", the share of the
        resamples in which the difference is less than 0 (those in which it is 0 count half), None where no resample
        has an object.

    Source:
        benchmarks/bootstrap_coverage.py, where this covers what it should more nearly than percentile, basic and
        BCa intervals (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 12 to 14). The effective
        number is Kish's, "Survey Sampling", 1965.
    """
    values = resampled[~np.isnan(resampled)]
    worse = float((values < 0).mean() + (values == 0).mean() / 2) if len(values) else None
    holding = int((objects > 0).sum())
    if holding < _FEWEST_IMAGES or len(values) < 2:
        return {"low": None, "high": None, "p_worse": worse}
    effective = float(objects.sum() ** 2 / (objects**2).sum())
    error = float(values.std(ddof=1)) * float(np.sqrt(holding / (holding - 1)))
    reach = float(stdtrit(max(effective - 1, 1.0), (1 + CONFIDENCE) / 2)) * error
    return {"low": max(difference - reach, -1.0), "high": min(difference + reach, 1.0), "p_worse": worse}
