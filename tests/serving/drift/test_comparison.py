"""Chance is not called drift, and drift is not called chance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sparseinst.serving.drift.comparison import DRIFT_PSI, distances, ratio
from sparseinst.serving.drift.distances import psi, smoothed
from sparseinst.serving.drift.histogram import Found
from tests.serving.drift.worlds import World

WORLD = World()


def verdicts(live, reference) -> dict[str, str]:
    return {entry.what: entry.verdict for entry in distances(live, reference)} | {
        "objects": ratio(live, reference).verdict
    }


@pytest.mark.parametrize(("evaluated", "pictures"), [(300, 9), (300, 30), (60, 100), (300, 100), (300, 800)])
@pytest.mark.parametrize("world", [WORLD, World(classes=80, alike=0.9, mean=15), World(classes=3, alike=0, mean=2)])
def test_traffic_like_the_evaluations_is_never_called_drift(world, evaluated, pictures):
    random = np.random.default_rng(5)
    for _ in range(25):
        found = verdicts(world.live(pictures, random), world.evaluated(evaluated, random))
        assert set(found.values()) <= {"same", "too_few"}


def test_at_50_objects_the_plain_rule_of_thumb_would_raise_false_alarms_and_ours_says_that_they_are_too_few():
    random = np.random.default_rng(6)
    reference = WORLD.evaluated(300, random)
    plain = 0
    for _ in range(100):
        live = WORLD.live(9, random)
        used = live.counts["areas"] + reference.found.counts["areas"] > 0
        plain += psi(*smoothed(live.counts["areas"][used], reference.found.counts["areas"][used])) > DRIFT_PSI
        assert set(verdicts(live, reference).values()) == {"too_few"}
    assert plain > 50


def test_with_many_objects_the_same_distribution_has_a_distance_of_nearly_nothing():
    random = np.random.default_rng(7)
    for entry in distances(WORLD.live(1000, random), WORLD.evaluated(1000, random)):
        assert entry.verdict == "same"
        assert entry.psi < 0.02
        assert entry.js < 0.06
        assert entry.least < 0.2


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"certainty": -1.2}, "scores"),
        ({"size": 5.0}, "areas"),
        ({"favourite": 5}, "classes"),
        ({"mean": 2.5}, "objects"),
    ],
)
def test_what_has_changed_is_called_drift_and_nothing_else(changed, what):
    random = np.random.default_rng(8)
    reference = WORLD.evaluated(400, random)
    found = verdicts(dataclasses.replace(WORLD, **changed).live(400, random), reference)
    assert found.pop(what) == "drift"
    assert "drift" not in found.values()


def test_a_small_change_that_is_certain_is_no_drift():
    random = np.random.default_rng(9)
    reference = WORLD.evaluated(3000, random)
    found = distances(dataclasses.replace(WORLD, certainty=0.65, size=7.9).live(3000, random), reference)
    scores, _, areas = found
    assert (scores.verdict, areas.verdict) == ("same", "moderate")
    assert scores.least < scores.psi < 0.1 <= areas.psi < 0.25


def test_a_class_that_the_evaluation_never_saw_is_told():
    random = np.random.default_rng(10)
    reference = WORLD.evaluated(400, random)
    classes = reference.found.counts["classes"].copy()
    classes[:2] = classes[:2].sum(), 0
    never = dataclasses.replace(reference, found=Found(400, {**reference.found.counts, "classes": classes}))
    assert verdicts(WORLD.live(400, random), never)["classes"] == "drift"


def test_without_objects_or_pictures_nothing_is_said_and_the_reason_is():
    random = np.random.default_rng(11)
    reference = WORLD.evaluated(100, random)
    nothing = Found(0, {what: np.zeros_like(counts) for what, counts in reference.found.counts.items()})
    for entry in distances(nothing, reference):
        assert (entry.psi, entry.js, entry.verdict) == (None, None, "too_few")
        assert entry.reason == "no object in live traffic"
    assert ratio(nothing, reference).reason == "no live picture yet"
    blank = dataclasses.replace(nothing, pictures=500)  # pictures came, and nothing is found in them any more
    assert ratio(blank, reference).verdict == "drift"
    few = WORLD.live(29, random)
    assert {entry.reason for entry in distances(few, reference)} == {"29 live pictures; 30 are needed"}
    small = WORLD.evaluated(20, random)
    reason = "the evaluation looked at 20 pictures; 30 are needed"
    assert {entry.reason for entry in distances(WORLD.live(90, random), small)} == {reason}


def test_a_model_of_one_class_has_no_drift_of_classes():
    random = np.random.default_rng(12)
    world = World(classes=1)
    (classes,) = (
        entry for entry in distances(world.live(300, random), world.evaluated(300, random)) if entry.what == "classes"
    )
    assert (classes.psi, classes.js, classes.verdict) == (0, 0, "same")
