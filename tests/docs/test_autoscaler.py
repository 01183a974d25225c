"""The autoscaler of deploy/components/replicas does not hunt, in a simulation that follows Kubernetes' own rules."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from benchmarks.scaling.autoscaler import PERIOD_S, Autoscaler, Fleet, read_autoscaler
from benchmarks.scaling.counters import Rates, Replica, busy, expected_rates, mean_rates, wait_ratio
from benchmarks.scaling.courses import daily, follow, hourly, steady
from benchmarks.scaling.each_request import EachRequest
from benchmarks.scaling.hunting import replica
from benchmarks.scaling.inputs import read_inputs

OURS = read_autoscaler()
BEFORE = replace(OURS, targets={"sparseinst_queue_seconds": 0.05})
GPU = replica(read_inputs())
CPU = Replica(compute_s=1.4, executors=2, instances=2, spread=0.2, patience_s=30)
IDLE, FULL = Rates(0, 0, 0), Rates(40, 80, 2)


@pytest.mark.parametrize("serving", [GPU, replace(GPU, spread=1.0), replace(GPU, compute_s=0.003), CPU])
def test_it_comes_to_rest_under_a_load_that_does_not_change(serving: Replica):
    for load in (1.0, 1.37, 1.6, 2.0, 2.5, 2.7, 3.0, 3.6, 4.4):
        course = follow(OURS, steady(load), serving, hours=3)
        assert course.fewest == course.most > load
        assert course.late_share == 0
        assert load / course.most > 0.35, "nor does it waste replicas"


def test_on_the_wait_alone_it_hunts():
    """What the simulation was made for; or it would find nothing."""
    course = follow(BEFORE, steady(2), GPU, hours=4)
    assert course.fewest == 2
    assert course.most >= 6
    assert course.changes_an_hour > 10
    assert course.late_share > 0.05


def test_it_comes_to_rest_also_where_chance_decides_when_requests_come():
    """A model that takes long, so that there are few within a minute and chance has the most to say."""
    course = follow(OURS, steady(2.6), CPU, EachRequest(CPU, seed=1), hours=8)
    assert course.changes_an_hour == course.late_share == 0


def test_it_follows_a_day_with_few_changes_and_nobody_late():
    course = follow(OURS, daily(0.5, 4.5), GPU, hours=48)
    assert (course.fewest, course.late_share) == (2, 0)
    assert 24 * course.changes_an_hour <= 2 * (course.most - course.fewest)


def test_after_a_jump_requests_are_late_for_minutes_and_not_for_longer():
    course = follow(OURS, hourly(1, 4, 60), GPU)
    assert 0 < 120 * course.late_share < 6


def test_replicas_stay_between_the_manifests_bounds():
    assert follow(OURS, steady(0.1), GPU, hours=2).most == OURS.least
    assert follow(OURS, steady(3 * OURS.most), GPU, hours=2).fewest == OURS.most


@pytest.mark.parametrize("spread", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("load", [0.4, 0.65, 0.8])
def test_the_metric_is_the_share_of_time_that_a_shared_gpu_is_busy(load: float, spread: float):
    """Whatever the spread of the computing times, both by the formula and request by request."""
    serving = replace(GPU, spread=spread)
    followed = EachRequest(serving, seed=1)
    found = mean_rates([followed.serve(load, 1)[0] for _ in range(120)])
    assert busy(expected_rates(serving, load)) == pytest.approx(load)
    assert busy(found) == pytest.approx(load, abs=0.02)
    assert wait_ratio(found) == pytest.approx(wait_ratio(expected_rates(serving, load)), rel=0.25)


def test_instances_with_processors_of_their_own_seem_a_little_busier_than_they_are():
    for load in (0.1, 0.3, 0.375, 0.5, 0.65, 0.9):
        assert 0 <= busy(expected_rates(CPU, load)) - load <= 0.126


def fleet(replicas: int) -> Fleet:
    return Fleet(replace(OURS, least=replicas, most=100))


def test_it_takes_the_larger_of_what_the_metrics_ask_for():
    waits = Rates(10, 0.9, 0.15)  # 13 % busy, and six times as long waited as computed
    found = fleet(4)
    for now in range(0, 90, PERIOD_S):
        found.look(now, [waits] * 4)
    assert found.replicas == 4 + OURS.up_pods


def test_a_change_within_the_tolerance_is_none():
    for share in (0.60, 0.65, 0.71):
        found = fleet(4)
        for now in range(0, 3600, PERIOD_S):
            found.look(now, [Rates(10, 0, share + share**2)] * 4)
        assert found.replicas == 4


def test_those_that_start_count_as_idle_so_that_nothing_is_ordered_twice():
    found = Fleet(replace(OURS, least=4, most=100, up_pods=50, up_window_s=0))
    found.look(0, [FULL] * 4)
    ordered = found.replicas
    assert ordered > 4
    found.look(PERIOD_S, [Rates(40, 0, 2)] * found.serving(PERIOD_S))
    assert (found.serving(PERIOD_S), found.replicas) == (4, ordered)


def test_replicas_go_one_after_the_other_and_not_before_the_window_ends():
    scaler: Autoscaler = replace(OURS, least=1, most=100, up_pods=50, up_window_s=0)
    found = Fleet(scaler)
    found.look(0, [FULL])
    many = found.replicas
    gone = []
    for now in range(PERIOD_S, 3600, PERIOD_S):
        found.look(now, [IDLE] * found.serving(now))
        gone.append((now, many - found.replicas))
    assert all(count == 0 for now, count in gone if now <= scaler.down_window_s)
    steps = [now for (now, count), (_, before) in zip(gone[1:], gone, strict=False) if count > before]
    assert steps
    assert all(later - sooner >= scaler.down_period_s for sooner, later in itertools.pairwise(steps))
    assert found.replicas == max(1, many - len(steps))
