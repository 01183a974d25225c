import logging
from datetime import UTC, datetime

import pytest

from sparseinst.errors import ConfigError
from sparseinst.evaluation.gate.decide import decide
from sparseinst.evaluation.gate.force import force
from sparseinst.evaluation.gate.policy import Policy
from tests.evaluation.gate.measured import metrics

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize("decision", ["fail", "investigate"])
def test_a_forced_pass_says_who_why_when_and_instead_of_what_and_keeps_the_reasons(decision, caplog):
    refused = decide(metrics(0.1 if decision == "fail" else 0.7, schema="x"), Policy(min_ap=0.5))
    assert refused.decision == decision
    with caplog.at_level(logging.WARNING, logger="sparseinst"):
        verdict = force(refused, by=" Ada ", why="rings were labelled wrongly", at=NOON)
    assert (verdict.decision, verdict.reasons) == ("pass", refused.reasons)
    assert verdict.to_dict()["forced"] == {
        "by": "Ada",
        "why": "rings were labelled wrongly",
        "at": "2026-11-25T12:00:00+00:00",
        "instead_of": decision,
    }
    assert "FORCED to pass by Ada: rings were labelled wrongly" in caplog.text
    assert verdict.deciding()[0] == "forced by Ada: rings were labelled wrongly"


def test_a_candidate_that_passes_by_itself_is_not_called_forced():
    passed = decide(metrics(0.7), Policy())
    assert force(passed, by="Ada", why="to be sure") == passed


@pytest.mark.parametrize(("by", "why", "missing"), [("", "w", "who forces it"), ("b", " ", "why"), ("", "", "and why")])
def test_nobody_forces_without_a_name_and_a_reason(by, why, missing):
    with pytest.raises(ConfigError, match=missing):
        force(decide(metrics(0.1), Policy(min_ap=0.5)), by=by, why=why)
