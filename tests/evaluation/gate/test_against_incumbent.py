"""The gate's truth table for a candidate against the model in service."""

import itertools

import pytest

from sparseinst.evaluation.gate.decide import decide
from sparseinst.evaluation.gate.policy import Policy
from tests.evaluation.gate.measured import comparison, metrics, outcomes, text

HALF = Policy(min_ap=0.5)
ALONE = ["form", "minimum", "data", "latency", "parity"]
AGAINST = ["form", "minimum", "data", "regression", "classes", "lost classes", "slices", "latency", "parity"]


@pytest.mark.parametrize(("ap", "decision"), [(0.60, "pass"), (0.61, "pass"), (0.59, "fail")])
def test_without_an_interval_the_candidate_must_not_be_worse_at_all(ap, decision):
    verdict = decide(metrics(ap), HALF, incumbent=metrics(0.60))
    assert verdict.decision == decision
    assert [reason.check for reason in verdict.reasons] == AGAINST
    assert "0.6000" in text(verdict, "regression")


def test_an_equal_model_passes_by_every_rule_that_asks_for_no_gain():
    strict = Policy(min_ap=0.6, max_class_regression=0, max_slice_regression=0, within_noise="fail", max_latency_ms=50)
    verdict = decide(metrics(), strict, incumbent=metrics(), comparison=comparison(0.6, 0.6, 0, 0))
    assert verdict.decision == "pass"
    assert set(outcomes(verdict).values()) == {"pass", "not asked"}


def test_the_minimum_holds_whatever_the_model_in_service_does():
    assert decide(metrics(0.4), HALF, incumbent=metrics(0.1)).decision == "fail"


# candidate 0.60 against 0.62; the interval of the difference, the policy's word about noise -> the outcome
INTERVALS = [(-0.05, 0.01), (-0.05, 0.0), (-0.05, -0.001)]
NOISE = [
    (low, high, within, "fail" if high < 0 else within)
    for (low, high), within in itertools.product(INTERVALS, ("pass", "investigate", "fail"))
]


@pytest.mark.parametrize(("low", "high", "within_noise", "outcome"), NOISE)
def test_a_regression_inside_the_noise_is_as_the_policy_says_and_outside_it_fails(low, high, within_noise, outcome):
    told = comparison(0.60, 0.62, low, high)
    verdict = decide(metrics(0.6), Policy(within_noise=within_noise), incumbent=metrics(0.62), comparison=told)
    assert outcomes(verdict)["regression"] == verdict.decision == outcome


def test_a_regression_that_is_allowed_passes_also_outside_the_noise():
    told = comparison(0.60, 0.61, -0.02, -0.005)
    policy = Policy(max_regression=0.01)
    assert decide(metrics(0.60), policy, incumbent=metrics(0.61), comparison=told).decision == "pass"


@pytest.mark.parametrize(("low", "decision"), [(0.001, "pass"), (0.0, "fail"), (-0.01, "fail")])
def test_where_a_gain_is_asked_for_it_must_be_beyond_chance(low, decision):
    told = comparison(0.63, 0.6, low, 0.05)
    policy = Policy(require_gain=True)
    assert decide(metrics(0.63), policy, incumbent=metrics(0.6), comparison=told).decision == decision


def test_a_gain_without_an_interval_is_for_a_person_to_judge():
    policy = Policy(require_gain=True)
    assert decide(metrics(0.7), policy, incumbent=metrics(0.6)).decision == "investigate"


@pytest.mark.parametrize("told", [{}, [], "x", comparison(0.6, 0.6, 0.1, -0.1), comparison(0.6, 0.6, float("nan"), 1)])
def test_a_comparison_that_is_none_never_passes_silently(told):
    assert decide(metrics(), Policy(), incumbent=metrics(), comparison=told).decision == "investigate"


def test_matches_of_another_model_never_pass_silently():
    told = comparison(0.7, 0.6, 0.05, 0.15)
    verdict = decide(metrics(0.65), Policy(), incumbent=metrics(0.6), comparison=told)
    assert outcomes(verdict)["regression"] == "investigate"
    assert "candidate disagree: AP 0.7 and 0.6500" in text(verdict, "regression")


@pytest.mark.parametrize(("now", "decision"), [(0.6, "pass"), (0.59, "fail")])
def test_of_too_few_images_for_an_interval_every_loss_counts(now, decision):
    told = comparison(now, 0.6, None, None)
    assert decide(metrics(now), Policy(), incumbent=metrics(0.6), comparison=told).decision == decision
    with_gain = Policy(require_gain=True)
    wanted = {"pass": "investigate"}.get(decision, decision)
    assert decide(metrics(now), with_gain, incumbent=metrics(0.6), comparison=told).decision == wanted


@pytest.mark.parametrize(
    ("high", "within_noise", "outcome"),
    [(0.1, "investigate", "investigate"), (0.1, "pass", "pass"), (-0.1, "pass", "fail"), (None, "pass", "fail")],
)
def test_a_class_that_lost_too_much_by_chance_is_as_the_policy_says(high, within_noise, outcome):
    told = comparison(0.6, 0.6, -0.1, 0.1)
    told["per_class"]["ring"] |= {"candidate": 0.4, "low": -0.6, "high": high}
    verdict = decide(metrics(), Policy(within_noise=within_noise), incumbent=metrics(), comparison=told)
    assert outcomes(verdict)["classes"] == verdict.decision == outcome


@pytest.mark.parametrize("on_other_data", ["investigate", "fail", "thresholds"])
def test_other_data_is_as_the_policy_says(on_other_data):
    other = metrics(0.9, dataset="e" * 64)
    verdict = decide(metrics(0.6), Policy(on_other_data=on_other_data), incumbent=other)
    assert verdict.decision == {"thresholds": "pass"}.get(on_other_data, on_other_data)
    assert "dddddddddddd" in text(verdict, "data") and "eeeeeeeeeeee" in text(verdict, "data")
    assert [reason.check for reason in verdict.reasons] == ALONE, "what cannot be compared is not compared"


@pytest.mark.parametrize("dataset", [None, "", 5])
def test_data_without_a_name_is_for_a_person_to_judge(dataset):
    for pair in ((metrics(dataset=dataset), metrics()), (metrics(), metrics(dataset=dataset))):
        assert decide(pair[0], Policy(on_other_data="thresholds"), incumbent=pair[1]).decision == "investigate"


def test_a_comparison_of_other_data_is_for_a_person_to_judge():
    told = comparison(0.6, 0.6, 0, 0) | {"dataset": "f" * 64}
    assert decide(metrics(), Policy(), incumbent=metrics(), comparison=told).decision == "investigate"


def test_detections_that_were_counted_differently_are_for_a_person_to_judge():
    verdict = decide(metrics(0.7), Policy(), incumbent=metrics(max_dets=[1, 10, 300]))
    assert outcomes(verdict)["data"] == "investigate"


@pytest.mark.parametrize("ap", [None, float("nan"), "?", 60])
def test_an_unreadable_incumbent_is_for_a_person_to_judge(ap):
    assert decide(metrics(0.7), HALF, incumbent=metrics(ap)).decision == "investigate"
    assert decide(metrics(0.7), HALF, incumbent={}).decision == "investigate", "not the same as no incumbent"


def test_a_better_candidate_that_lost_a_class_is_for_a_person_to_judge():
    now = {"disc": {"AP": 0.9, "instances": 50}, "star": {"AP": 0.0, "instances": 5}, "new": {"AP": 0.0}}
    before = {"disc": {"AP": 0.5, "instances": 50}, "star": {"AP": 0.2, "instances": 5}, "gone": {"AP": None}}
    verdict = decide(metrics(0.7, per_class=now), HALF, incumbent=metrics(0.6, per_class=before))
    assert verdict.decision == "investigate"
    assert verdict.deciding() == ["no longer found: 'star' (AP 0.2000)"]
    for word in ("pass", "fail"):
        policy = Policy(on_lost_class=word)
        assert decide(metrics(0.7, per_class=now), policy, incumbent=metrics(0.6, per_class=before)).decision == word


@pytest.mark.parametrize(
    ("now", "instances", "outcome"),
    [(0.5, 50, "pass"), (0.49, 50, "fail"), (0.49, 20, "fail"), (0.49, 19, "pass"), (0.49, None, "investigate")],
)
def test_the_worst_class_may_not_lose_more_than_the_policy_allows_if_it_has_objects_enough(now, instances, outcome):
    ours = metrics(0.6, per_class={"disc": {"AP": 0.9, "instances": 50}, "ring": {"AP": now, "instances": instances}})
    verdict = decide(ours, Policy(), incumbent=metrics(0.6))
    assert outcomes(verdict)["classes"] == verdict.decision == outcome
    assert "'ring'" in text(verdict, "classes") or instances == 19


@pytest.mark.parametrize(
    ("now", "outcome"), [(0.5, "pass"), (0.49, "fail"), (None, "investigate"), ("?", "investigate")]
)
def test_the_worst_slice_may_not_lose_more_than_the_policy_allows(now, outcome):
    ours = metrics(0.6, slices=[{"by": "crowding", "name": "crowded", "instances": 40, "AP": now}])
    verdict = decide(ours, Policy(), incumbent=metrics(0.6))
    assert outcomes(verdict)["slices"] == verdict.decision == outcome
    assert "'crowding' 'crowded'" in text(verdict, "slices")


def test_classes_and_slices_come_from_the_comparison_where_there_is_one():
    told = comparison(0.6, 0.6, 0, 0)
    told["per_class"]["ring"] |= {"candidate": 0.1}
    told["slices"][0] |= {"candidate": 0.2}
    verdict = decide(metrics(), Policy(), incumbent=metrics(), comparison=told)
    assert {name for name, outcome in outcomes(verdict).items() if outcome == "fail"} == {"classes", "slices"}
    assert len(verdict.deciding()) == 2, "all are reported, not only the first"


@pytest.mark.parametrize("part", ["per_class", "slices"])
def test_metrics_that_lack_a_part_never_pass_silently(part):
    for value in (None, 5, "x"):
        assert decide(metrics(**{part: value}), Policy(), incumbent=metrics()).decision == "investigate"
        assert decide(metrics(), Policy(), incumbent=metrics(**{part: value})).decision == "investigate"


def test_where_no_object_is_nothing_is_compared_and_that_is_no_fault():
    empty = {"per_class": {"disc": {"AP": None, "instances": 0}}, "slices": []}
    assert decide(metrics(**empty), Policy(), incumbent=metrics(**empty)).decision == "pass"
