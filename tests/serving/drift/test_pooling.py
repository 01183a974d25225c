"""Every joined bin is large enough, and no object is lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sparseinst.serving.drift.pooling import LEAST_EXPECTED, neighbours, smallest

expectations = st.lists(st.floats(0, 60), min_size=1, max_size=30).map(np.array)


@given(expectations)
def test_joined_bins_are_large_enough_or_there_is_only_one(expected):
    for join in (neighbours, smallest):
        joined = np.bincount(join(expected), expected)
        assert len(joined) == 1 or joined.min() >= LEAST_EXPECTED - 1e-9
        np.testing.assert_allclose(joined.sum(), expected.sum())


@given(expectations)
def test_bins_with_an_order_keep_it(expected):
    steps = np.diff(neighbours(expected))
    assert set(steps.tolist()) <= {0, 1}


def test_bins_that_are_large_enough_stay_alone():
    assert neighbours(np.array([5, 9, 1, 1, 4, 7, 2])).tolist() == [0, 1, 2, 2, 2, 3, 3]
    assert smallest(np.array([50, 1, 9, 2, 3])).tolist() == [1, 0, 2, 0, 0]
    assert smallest(np.array([50, 1, 9, 2])).tolist() == [1, 0, 0, 0]  # 1 and 2 are too few, the 9 joins them
    assert smallest(np.array([7, 8])).tolist() == [0, 1]
