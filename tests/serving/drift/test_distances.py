"""Distances against closed forms and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from sparseinst.serving.drift.distances import js_divergence, psi, smoothed


def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(1)
    return [(generator.integers(1, 900, size), generator.integers(1, 900, size)) for size in (2, 7, 25)]


def test_psi_of_two_bins_is_the_closed_form():
    # (0.8 - 0.5) ln(0.8 / 0.5) + (0.2 - 0.5) ln(0.2 / 0.5) = 0.3 ln 4
    assert psi(np.array([80, 20]), np.array([5, 5])) == pytest.approx(0.3 * math.log(4))


@pytest.mark.parametrize(("one", "other"), pairs())
def test_psi_is_the_relative_entropy_both_ways(one, other):
    p, q = one / one.sum(), other / other.sum()
    assert psi(one, other) == pytest.approx(entropy(p, q) + entropy(q, p))
    assert psi(one, other) == pytest.approx(psi(other, one))


@pytest.mark.parametrize(("one", "other"), pairs())
def test_the_jensen_shannon_divergence_is_scipys_distance_squared(one, other):
    assert js_divergence(one, other) == pytest.approx(jensenshannon(one, other, 2) ** 2)


def test_the_ends_of_the_scale():
    same = np.array([3, 0, 5])
    assert js_divergence(same, 10 * same) == 0
    assert js_divergence(np.array([1, 0]), np.array([0, 9])) == 1
    assert psi(np.array([3, 5]), np.array([6, 10])) == 0


def test_smoothing_leaves_equal_shares_equal_and_makes_empty_bins_bearable():
    p, q = smoothed(np.array([30, 70]), np.array([3000, 7000]))
    np.testing.assert_allclose(p, q)
    np.testing.assert_allclose(p, [0.3, 0.7])
    p, q = smoothed(np.array([0, 50]), np.array([50, 50]))
    assert p.sum() == pytest.approx(1)
    assert p[0] == pytest.approx((0 + 1 * 0.25) / 51)  # 2 / 2 objects are added, a quarter of them there
    assert 0 < psi(p, q) < 3
