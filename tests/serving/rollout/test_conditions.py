"""When a candidate is too slow, and when it agrees: the numbers that decide."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.errors import ConfigError, DeployError
from sparseinst.evaluation.instances import Instances
from sparseinst.serving.rollout import Canary
from sparseinst.serving.rollout.agreement import Agreement, matched
from sparseinst.serving.rollout.canary import Live, judge
from sparseinst.serving.rollout.pace import Pace, as_taken_by
from tests.serving import tiny

METRICS = "http://127.0.0.1:8002/metrics"


@pytest.mark.parametrize(
    ("candidate_ms", "incumbent_ms", "max_latency_ms", "max_slowdown", "fault"),
    [
        (100.0, 50.0, None, 2.0, ""),
        (101.0, 50.0, None, 2.0, "2.0 times as long"),
        (4.9, 2.0, None, 2.0, ""),  # 3 ms say nothing
        (5.1, 2.0, None, 2.0, "2.5 times as long"),
        (900.0, None, None, 2.0, ""),
        (900.0, 50.0, None, None, ""),
        (30.1, 50.0, 30.0, 2.0, "30 ms are allowed"),
    ],
)
def test_a_pace_breaks_a_limit_or_none(
    candidate_ms: float, incumbent_ms: float | None, max_latency_ms: float | None, max_slowdown: float, fault: str
):
    found = Pace(candidate_ms, incumbent_ms).fault(max_latency_ms, max_slowdown)
    assert fault in found
    assert bool(fault) == bool(found)


def test_a_model_of_another_size_is_sent_the_images_in_its_own():
    images = [tiny.random_images(1, 64, 96)[0], tiny.random_images(1, 50, 50)[0]]
    assert as_taken_by(tiny.METADATA, tiny.METADATA, images) is images
    larger = tiny.METADATA | {"short_side": 128, "longest_side": 192}
    assert [image.shape for image in as_taken_by(larger, tiny.METADATA, images)] == [(3, 128, 192), (3, 128, 128)]
    assert as_taken_by({}, tiny.METADATA, images) is images, "an old one that does not say its size"


def instances(*objects: tuple[int, slice]) -> Instances:
    masks = np.zeros((len(objects), 10, 10), bool)
    for mask, (_, rows) in zip(masks, objects, strict=True):
        mask[rows] = True
    scores = np.linspace(0.9, 0.5, len(objects), dtype=np.float32)
    return Instances(scores, np.array([label for label, _ in objects], np.int64), masks)


def test_an_object_is_found_again_by_class_and_half_of_its_pixels_and_only_once():
    expected = instances((0, slice(0, 4)), (1, slice(4, 8)))
    assert matched(expected, expected) == 2
    assert matched(instances((0, slice(0, 2))), expected) == 1
    assert matched(instances((0, slice(0, 1))), expected) == 0
    assert matched(instances((1, slice(0, 4))), expected) == 0
    assert matched(instances((0, slice(0, 4)), (0, slice(0, 4))), expected) == 1
    assert matched(instances(), expected) == matched(expected, instances()) == 0


def test_agreement_that_cannot_be_told_is_none():
    Agreement(1, same=3, missed=1).require(0.75)
    Agreement().require(None)
    with pytest.raises(DeployError, match=r"75\.0% over 1 pictures"):
        Agreement(1, same=3, missed=1).require(0.76)
    with pytest.raises(DeployError, match="finds nothing in the 4 pictures"):
        Agreement(4, added=2).require(0.1)


def test_a_canary_is_promoted_for_answers_only():
    canary = Canary(share=0.1, metrics_url=METRICS, requests=10)
    judge(Live(10, 0, 30.0, 20.0, None), canary, 2.0, None)
    judge(Live(1, 0, None, None, None), Canary(share=0.1, metrics_url=METRICS), 2.0, None)
    for live, problem in (
        (Live(99, 1, 1.0, 1.0, None), "failed 1 of 100 live requests"),
        (Live(9, 0, 1.0, 1.0, None), "Only 9 live requests"),
        (Live(10, 0, 61.0, 20.0, None), "3.0 times as long"),
        (Live(10, 0, 1.0, 1.0, Agreement(10, 1, 9, 0)), "disagrees"),
    ):
        with pytest.raises(DeployError, match=problem):
            judge(live, canary, 2.0, 0.5)


@pytest.mark.parametrize(
    "wrong", [{"share": 0.0}, {"share": 1.1}, {"seconds": 0.0}, {"metrics_url": ""}, {"metrics_url": "x"}]
)
def test_a_canary_that_makes_no_sense_is_refused(wrong: dict[str, object]):
    with pytest.raises(ConfigError):
        Canary(**({"share": 0.5, "metrics_url": METRICS} | wrong))  # type: ignore[arg-type]
