"""The gate's truth table for a candidate alone: what passes, what fails, and what a person has to look at."""

import itertools

import pytest

from sparseinst.evaluation.gate.candidate import SCHEMA
from sparseinst.evaluation.gate.decide import decide
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.measure import SCHEMA as WRITTEN
from tests.evaluation.gate.measured import metrics, outcomes, text

HALF = Policy(min_ap=0.5)
ALONE = ["form", "minimum", "data", "latency", "parity"]


@pytest.mark.parametrize(
    ("ap", "decision"),
    [
        (0.7, "pass"),
        (0.5, "pass"),  # equal is enough
        (0.4999999, "fail"),
        (0, "fail"),
        (1, "pass"),
        (None, "fail"),
        (float("nan"), "fail"),
        (float("inf"), "fail"),
        (-1, "fail"),  # pycocotools' "undefined"
        (53.2, "fail"),  # a percentage
        (10**400, "fail"),
        (True, "fail"),
        ("0.9", "fail"),
        ([0.9], "fail"),
    ],
)
def test_only_a_real_ap_of_at_least_the_minimum_passes(ap, decision):
    verdict = decide(metrics(ap), HALF)
    assert verdict.decision == decision
    assert [reason.check for reason in verdict.reasons] == ALONE, "every check is reported"
    assert all(reason.text for reason in verdict.reasons)


def test_a_minimum_of_0_passes_a_model_that_finds_nothing_but_not_one_without_an_ap():
    assert decide(metrics(0.0), Policy()).decision == "pass"
    assert decide(metrics(None), Policy()).decision == "fail"
    assert decide({"schema": SCHEMA}, Policy()).decision == "fail"


def test_the_reason_why_the_ap_is_undefined_is_passed_on():
    verdict = decide(metrics(None, undefined={"AP": "the split has no objects"}), HALF)
    assert "the split has no objects" in text(verdict, "minimum")


@pytest.mark.parametrize("schema", [None, "sparseinst.metrics/1", "coco", 2])
def test_metrics_of_another_form_are_for_a_person_to_judge(schema):
    verdict = decide(metrics(0.7, schema=schema), HALF)
    assert (verdict.decision, outcomes(verdict)["form"]) == ("investigate", "investigate")


def test_the_form_is_the_one_that_evaluate_writes():
    assert SCHEMA == WRITTEN


def test_without_a_model_in_service_only_the_thresholds_decide_and_it_is_said():
    verdict = decide(metrics(0.5), HALF)
    assert verdict.decision == "pass"
    assert text(verdict, "data") == "nothing is in service to compare with: only the thresholds decide"


@pytest.mark.parametrize(
    ("budget", "which", "outcome"),
    [(0, "p99", "not asked"), (50, "p99", "pass"), (49, "p99", "fail"), (20, "p50", "pass"), (19.9, "p50", "fail")],
)
def test_the_latency_must_be_within_the_budget(budget, which, outcome):
    verdict = decide(metrics(), Policy(max_latency_ms=budget, latency=which))
    assert outcomes(verdict)["latency"] == outcome
    assert verdict.decision == ("fail" if outcome == "fail" else "pass")


@pytest.mark.parametrize("speed", [None, {}, {"latency_ms": {"p99": None}}, {"latency_ms": {"p99": float("nan")}}])
def test_a_latency_that_was_not_measured_is_for_a_person_to_judge(speed):
    assert decide(metrics(speed=speed), Policy(max_latency_ms=50)).decision == "investigate"
    assert decide(metrics(speed=speed), Policy()).decision == "pass"


EQUAL = {"passed": True, "worst": {"score": 1e-6, "mask": 0.0}, "tolerances": {"score": 1e-4, "mask": 1e-3}}


@pytest.mark.parametrize(
    ("parity", "required", "outcome"),
    [
        (None, False, "not asked"),
        (None, True, "fail"),
        (EQUAL, True, "pass"),
        (EQUAL | {"passed": False}, False, "fail"),
        (EQUAL | {"passed": "yes"}, False, "investigate"),
        (EQUAL | {"worst": {"score": 1.0, "mask": 0.0}}, False, "investigate"),
        (EQUAL | {"worst": {"score": None, "mask": 0.0}}, False, "investigate"),
        ({"passed": True}, False, "investigate"),
        ([], False, "investigate"),
    ],
)
def test_an_export_that_answers_otherwise_never_passes(parity, required, outcome):
    verdict = decide(metrics(), Policy(require_parity=required), parity=parity)
    assert outcomes(verdict)["parity"] == outcome


# every combination of three checks that can each pass, be doubtful, or fail
WEIGHT = {"pass": 0, "investigate": 1, "fail": 2}
MINIMUM = {"pass": 0.6, "fail": 0.1}
LATENCY = {"pass": 10.0, "investigate": None, "fail": 99.0}
PARITY = {"pass": EQUAL, "investigate": {}, "fail": EQUAL | {"passed": False}}
FORM = {"pass": SCHEMA, "investigate": "other"}


@pytest.mark.parametrize("cells", list(itertools.product(MINIMUM, LATENCY, PARITY, FORM)))
def test_fail_beats_investigate_and_investigate_beats_pass(cells):
    minimum, latency, parity, form = cells
    candidate = metrics(MINIMUM[minimum], schema=FORM[form], speed={"latency_ms": {"p99": LATENCY[latency]}})
    verdict = decide(candidate, Policy(min_ap=0.5, max_latency_ms=50), parity=PARITY[parity])
    assert verdict.decision == max(cells, key=WEIGHT.__getitem__)
    found = outcomes(verdict)
    assert (found["minimum"], found["latency"], found["parity"], found["form"]) == cells
