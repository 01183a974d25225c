"""How wide the interval is for a given scatter."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.evaluation.comparison.interval import interval

SCATTER = np.array([0.08, 0.12] * 50)  # standard deviation 0.02, about
T_9 = 2.262157  # Student's t for 95 %, both sides, 9 degrees of freedom, from any table


def width(objects: list[int]) -> float:
    found = interval(0.1, SCATTER, np.array(objects, np.float64))
    return (found["high"] - found["low"]) / 2


def test_it_reaches_as_many_standard_errors_as_students_t_says() -> None:
    error = SCATTER.std(ddof=1) * np.sqrt(10 / 9)
    assert width([2] * 10) == pytest.approx(T_9 * error, rel=1e-6)
    assert width([2] * 10 + [0] * 90) == width([2] * 10)  # images without objects tell nothing of recall
    assert width([2] * 5000) == pytest.approx(1.96 * SCATTER.std(ddof=1), rel=1e-3)


def test_where_few_images_hold_most_objects_it_is_wider() -> None:
    assert width([100] * 3 + [1] * 27) > 1.2 * width([11] * 30)


def test_a_difference_of_shares_is_never_more_than_1() -> None:
    found = interval(0.0, np.array([-1.0, 1.0] * 50), np.array([1000.0] + [1.0] * 20))
    assert (found["low"], found["high"]) == (-1, 1)


def test_the_share_of_resamples_in_which_it_is_worse_counts_equal_ones_half() -> None:
    objects = np.ones(20)
    assert interval(0.0, np.array([-1.0, 0.0, 1.0, 2.0]), objects)["p_worse"] == pytest.approx(1.5 / 4)
    assert interval(0.0, np.array([np.nan, 1.0, 2.0]), objects)["p_worse"] == 0


def test_of_too_few_images_or_resamples_nothing_is_said() -> None:
    for resampled, images in ((SCATTER, 9), (np.array([0.1]), 50), (np.full(5, np.nan), 50)):
        found = interval(0.1, resampled, np.ones(images))
        assert (found["low"], found["high"]) == (None, None)
    assert interval(0.1, np.full(5, np.nan), np.ones(50))["p_worse"] is None
