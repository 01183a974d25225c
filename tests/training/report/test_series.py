from __future__ import annotations

import math

import pytest

from sparseinst.training.report.series import MOST_POINTS, smoothed, thinned


@pytest.mark.parametrize("count", [0, 1, 2, MOST_POINTS, MOST_POINTS + 1, 2 * MOST_POINTS + 1, 20_000])
def test_a_thinned_curve_keeps_its_spikes_and_its_ends(count: int) -> None:
    series = [(float(n), math.sin(n)) for n in range(count)]
    if count > 10:
        series[count // 3], series[count // 2] = (float(count // 3), 50.0), (float(count // 2), -50.0)
    kept = thinned(series)
    assert len(kept) <= MOST_POINTS
    assert kept == sorted(set(kept))
    assert set(kept) <= set(series)
    if series:
        assert (kept[0], kept[-1]) == (series[0], series[-1])
        assert max(y for _, y in kept) == max(y for _, y in series)
        assert min(y for _, y in kept) == min(y for _, y in series)


def test_a_level_curve_becomes_thin_too() -> None:
    assert len(thinned([(float(n), 1.0) for n in range(20_000)])) <= MOST_POINTS


def test_smoothing_takes_noise_away_and_keeps_both_ends() -> None:
    series = [(float(n), n / 1000 + math.sin(n)) for n in range(4000)]
    smooth = smoothed(series)
    assert len(smooth) == 180
    assert (smooth[0], smooth[-1]) == (series[0], series[-1])
    assert all(abs(y - x / 1000) < 0.1 for x, y in smooth[3:-3])


def test_one_step_that_went_wrong_does_not_move_the_smoothed_line() -> None:
    series = [(float(n), 2.0) for n in range(4000)]
    series[2000] = (2000.0, 1e30)
    assert {y for _, y in smoothed(series)} == {2.0}


def test_a_short_run_is_drawn_as_it_is() -> None:
    series = [(float(n), float(n % 7)) for n in range(79)]
    assert smoothed(series) == series
    assert smoothed([]) == []
