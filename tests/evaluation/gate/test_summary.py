"""The gate's decision as Kubeflow's page of the run shows it."""

import dataclasses

import pytest

from sparseinst.evaluation.finished import Evaluation
from sparseinst.evaluation.gate.judge import Judgement, forced, judge
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.gate.summary import gate_summary
from tests.evaluation.gate.measured import metrics
from tests.pages.test_markdown import bare


def judgement(tmp_path, **policy) -> Judgement:
    candidate, incumbent = (Evaluation(tmp_path, metrics(ap), None, "i" * 64) for ap in (0.58, 0.6))
    return judge(candidate, Policy(**policy), incumbent)


def rows(page):
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in cells}


def test_every_check_has_its_outcome_its_value_its_limit_and_its_reason(tmp_path):
    judged = judgement(tmp_path, min_ap=0.5, max_latency_ms=100, max_class_regression=0.2)
    page = gate_summary(judged.to_dict())
    assert page.startswith("# Gate: fail\n")
    assert "what was served before is still served" in page
    told = rows(page)
    assert set(told) >= {reason.check for reason in judged.verdict.reasons}
    assert told["minimum"][:3] == ["✓ pass", "AP 0.580", "at least 0.500"]
    assert told["regression"][0] == "✗ fail"
    assert told["regression"][2] == "may lose 0.000 AP"
    assert told["classes"][2] == "may lose 0.200 AP, from 20 objects on"
    assert told["candidate"][0], told["in service"][0] == ("0.580", "0.600")


def test_a_forced_pass_says_by_whom_and_instead_of_what(tmp_path):
    page = gate_summary(forced(judgement(tmp_path), "Ada <ada@example>", "a | trial").to_dict())
    assert page.startswith("# Gate: pass\n")
    assert "**Forced by Ada \\<ada@example\\>**, instead of fail" in page
    assert "a \\| trial" in page


@pytest.mark.parametrize("change", [{"reasons": None}, {"policy": None}, {"candidate": 7}, {"decision": "<b>"}, {}])
def test_a_decision_that_lacks_something_is_shown_without_it(tmp_path, change):
    page = gate_summary({**judgement(tmp_path).to_dict(), **change} if change else {})
    assert page.startswith("# Gate")
    assert "<" not in bare(page)


def test_names_in_reasons_are_shown_and_mean_nothing(tmp_path):
    evil = dataclasses.asdict(judgement(tmp_path).verdict.reasons[0]) | {"text": "lost <img src=x> [a](b)"}
    page = bare(gate_summary({**judgement(tmp_path).to_dict(), "reasons": [evil]}))
    assert "<" not in page and "](" not in page
