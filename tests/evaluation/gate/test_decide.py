import pytest

from sparseinst.errors import ConfigError
from sparseinst.evaluation.gate.decide import decide


@pytest.mark.parametrize(
    ("candidate", "decision"),
    [
        ({"AP": 0.7}, "pass"),
        ({"AP": 0.5}, "pass"),  # equal is enough
        ({"AP": 0.4999999}, "fail"),
        ({"AP": 0}, "fail"),
        ({"AP": 1}, "pass"),
        ({}, "fail"),
        ({"AP": None}, "fail"),
        ({"AP": float("nan")}, "fail"),
        ({"AP": float("inf")}, "fail"),
        ({"AP": -1}, "fail"),  # pycocotools' "undefined"
        ({"AP": 53.2}, "fail"),  # a percentage
        ({"AP": True}, "fail"),
        ({"AP": "0.9"}, "fail"),
    ],
)
def test_only_a_real_ap_of_at_least_the_minimum_passes(candidate, decision):
    verdict = decide(candidate, min_ap=0.5)
    assert verdict.decision == decision
    assert verdict.reasons


def test_a_minimum_of_0_passes_a_model_that_finds_nothing_but_not_one_without_an_ap():
    assert decide({"AP": 0.0}, min_ap=0).decision == "pass"
    assert decide({"AP": None}, min_ap=0).decision == "fail"


def test_the_reason_why_the_ap_is_undefined_is_passed_on():
    verdict = decide({"AP": None, "undefined": {"AP": "the split has no objects"}}, min_ap=0.5)
    assert "the split has no objects" in verdict.reasons[0]


@pytest.mark.parametrize(("ap", "decision"), [(0.60, "pass"), (0.61, "pass"), (0.59, "fail")])
def test_the_candidate_must_not_be_worse_than_the_model_in_service(ap, decision):
    verdict = decide({"AP": ap}, min_ap=0.5, incumbent={"AP": 0.60})
    assert verdict.decision == decision
    assert "0.6000" in verdict.reasons[-1]


def test_the_minimum_holds_whatever_the_model_in_service_does():
    assert decide({"AP": 0.4}, min_ap=0.5, incumbent={"AP": 0.1}).decision == "fail"


def test_a_comparison_on_different_data_is_for_a_person_to_judge():
    verdict = decide({"AP": 0.7, "dataset": "a"}, min_ap=0.5, incumbent={"AP": 0.6, "dataset": "b"})
    assert verdict.decision == "investigate"
    assert "a against b" in verdict.reasons[0]


@pytest.mark.parametrize("ap", [None, float("nan"), "?"])
def test_an_unreadable_incumbent_is_for_a_person_to_judge(ap):
    assert decide({"AP": 0.7}, min_ap=0.5, incumbent={"AP": ap}).decision == "investigate"


def test_a_better_candidate_that_lost_a_class_is_for_a_person_to_judge():
    candidate = {"AP": 0.7, "per_class": {"disc": {"AP": 0.9}, "star": {"AP": 0.0}, "new": {"AP": 0.0}}}
    incumbent = {"AP": 0.6, "per_class": {"disc": {"AP": 0.5}, "star": {"AP": 0.2}, "gone": {"AP": None}}}
    verdict = decide(candidate, min_ap=0.5, incumbent=incumbent)
    assert verdict.decision == "investigate"
    assert verdict.reasons == ["the class 'star' is no longer found: AP 0.2000 in service, 0 now"]


@pytest.mark.parametrize("min_ap", [-0.1, 1.1, 50, float("nan")])
def test_an_impossible_minimum_is_a_wrong_setting(min_ap):
    with pytest.raises(ConfigError):
        decide({"AP": 0.7}, min_ap=min_ap)
