"""The checks that look at the candidate alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.gate.verdict import Reason
from sparseinst.evaluation.json_values import mapping, number, share, shown

SCHEMA = "sparseinst.metrics/2"


def check_form(candidate: Any) -> Reason:
    """Whether these are metrics of this project: what is called AP elsewhere may be something else."""
    schema = mapping(candidate).get("schema")
    if schema == SCHEMA:
        return Reason("form", "pass", f"the metrics are {SCHEMA}")
    return Reason("form", "investigate", f"the metrics are of another form: schema {shown(schema)}, not '{SCHEMA}'")


def check_minimum(candidate: Mapping[str, Any], policy: Policy) -> Reason:
    """The mask AP against the threshold; no AP is a failure."""
    ap = share(candidate.get("AP"))
    if ap is None:
        return Reason("minimum", "fail", f"the candidate's mask AP is {unknown_ap(candidate)}")
    if ap < policy.min_ap:
        return Reason("minimum", "fail", f"mask AP {ap:.4f} is below the minimum {policy.min_ap:.4f}")
    return Reason("minimum", "pass", f"mask AP {ap:.4f} reaches the minimum {policy.min_ap:.4f}")


def unknown_ap(metrics: Mapping[str, Any]) -> str:
    """What stands in place of the AP, and why if the metrics say so."""
    if "AP" not in metrics:
        return "missing"
    why = mapping(metrics.get("undefined")).get("AP")
    return f"{shown(metrics['AP'])}, not a number from 0 to 1" + (f": {why}" if isinstance(why, str) else "")


def check_latency(candidate: Mapping[str, Any], policy: Policy) -> Reason:
    """The latency of one image against the budget."""
    if not policy.max_latency_ms:
        return Reason("latency", "not asked", "any latency is allowed")
    speed = mapping(candidate.get("speed"))
    measured = number(mapping(speed.get("latency_ms")).get(policy.latency))
    if measured is None or measured <= 0:
        return Reason("latency", "investigate", f"the latency ({policy.latency}) of the candidate was not measured")
    words = f"{policy.latency} latency {measured:.1f} ms on {shown(speed.get('device'))}"
    if measured > policy.max_latency_ms:
        return Reason("latency", "fail", f"{words} is above the budget of {policy.max_latency_ms:g} ms")
    return Reason("latency", "pass", f"{words} is within the budget of {policy.max_latency_ms:g} ms")


def check_parity(parity: Any, policy: Policy) -> Reason:
    """Whether the export answers as the checkpoint does, as parity.json tells."""
    if parity is None:
        if policy.require_parity:
            return Reason("parity", "fail", "there is no parity.json: nobody compared the export with the checkpoint")
        return Reason("parity", "not asked", "no parity.json was given; the export makes its own")
    told = mapping(parity)
    worst, tolerated = mapping(told.get("worst")), mapping(told.get("tolerances"))
    if told.get("passed") is False:
        return Reason(
            "parity", "fail", f"the export does not answer as the checkpoint does: worst {shown(dict(worst))}"
        )
    above = [name for name in tolerated if not _is_tolerated(worst.get(name), tolerated[name])]
    if told.get("passed") is not True or not tolerated or above:
        return Reason("parity", "investigate", f"parity.json contradicts itself or is incomplete: {shown(parity)}")
    return Reason("parity", "pass", f"the export answers as the checkpoint does: worst {shown(dict(worst))}")


def _is_tolerated(value: Any, most: Any) -> bool:
    found, limit = number(value), number(most)
    return found is not None and limit is not None and 0 <= found <= limit
