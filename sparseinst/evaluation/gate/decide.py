"""May a candidate model be deployed? A pure function: measurements and a policy in, a decision with reasons out."""

from __future__ import annotations

from typing import Any

from sparseinst.evaluation.gate.candidate import check_form, check_latency, check_minimum, check_parity
from sparseinst.evaluation.gate.incumbent import check_incumbent
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.gate.verdict import Reason, Verdict, sum_up
from sparseinst.evaluation.json_values import mapping


def decide(
    candidate: Any, policy: Policy, *, incumbent: Any = None, comparison: Any = None, parity: Any = None
) -> Verdict:
    """Holds the candidate against the policy and against the model in service. Every check is reported.

    It never raises, whatever the JSON is: what is missing or no number never passes silently. A better candidate
    never gets a worse decision.

    Args:
        candidate: The content of its metrics.json (docs/metrics.md).
        policy: The rules.
        incumbent: The metrics.json of the model in service; None where nothing is served.
        comparison: What `sparseinst.evaluation.comparison` says of the two; None where it could not be made.
        parity: The content of parity.json; None where there is none.
    """
    measured = mapping(candidate)
    reasons = [check_form(candidate), check_minimum(measured, policy)]
    if incumbent is None:
        text = "nothing is in service to compare with: only the thresholds decide"
        reasons.append(Reason("data", "not asked", text))
    else:
        reasons += check_incumbent(measured, mapping(incumbent), comparison, policy)
    return sum_up([*reasons, check_latency(measured, policy), check_parity(parity, policy)])
