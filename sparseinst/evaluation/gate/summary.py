"""The gate's decision in Markdown: every check with what it found and what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sparseinst.evaluation.report.values import NOTHING, listed, part, real, score, signed, text
from sparseinst.pages.markdown import document, plain, table

_MARKS = {"pass": "✓ pass", "fail": "✗ fail", "investigate": "? investigate", "not asked": "– not asked"}
_MEANING = {
    "pass": "The model may be deployed.",
    "fail": "The model is not deployed; what was served before is still served.",
    "investigate": "The model is not deployed before a person has looked; what was served before is still served.",
}


def gate_summary(judgement: Mapping[str, Any]) -> str:
    """Markdown of the content of gate.json. Names and reasons are others' texts and are escaped."""
    decision = text(judgement, "decision")
    lines = [f"# Gate: {plain(decision)}", "", _MEANING.get(decision, ""), ""]
    if forced := part(judgement, "forced"):
        lines += [
            f"**Forced by {plain(text(forced, 'by'))}**, instead of {plain(text(forced, 'instead_of'))}, "
            f"at {plain(text(forced, 'at'))}: {plain(text(forced, 'why'))}",
            "",
        ]
    lines += table(("check", "outcome", "value", "limit", "reason"), [_row(e, judgement) for e in _reasons(judgement)])
    who = [_about(judgement, "candidate", "candidate"), _about(judgement, "incumbent", "in service")]
    lines += table(("", "AP", "model", "data"), [row for row in who if row])
    return document(lines)


def _reasons(judgement: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return listed(judgement, "reasons")


def _row(reason: Mapping[str, Any], judgement: Mapping[str, Any]) -> tuple[str, ...]:
    check, outcome = text(reason, "check"), text(reason, "outcome")
    value = _VALUES.get(check, lambda _: NOTHING)(judgement)
    limit = _LIMITS.get(check, lambda _: NOTHING)(part(judgement, "policy"))
    return check, _MARKS.get(outcome, outcome), value, limit, text(reason, "text")


def _difference(judgement: Mapping[str, Any]) -> str:
    told = part(judgement, "difference")
    low, high = real(told, "low"), real(told, "high")
    between = f" ({signed(low)} to {signed(high)})" if low is not None and high is not None else ""
    return f"{signed(real(told, 'difference'))}{between}"


def _latency(policy: Mapping[str, Any]) -> str:
    most = real(policy, "max_latency_ms")
    return f"{text(policy, 'latency')} at most {most:g} ms" if most else "any"


def _loss(name: str, least: str = "") -> Callable[[Mapping[str, Any]], str]:
    """A limit in words; `least` names the objects from which on a class or slice counts."""

    def words(policy: Mapping[str, Any]) -> str:
        enough = f", from {real(policy, least):g} objects on" if real(policy, least) is not None else ""
        return f"may lose {score(real(policy, name))} AP{enough}"

    return words


_VALUES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "minimum": lambda judgement: f"AP {score(real(part(judgement, 'candidate'), 'AP'))}",
    "regression": _difference,
}
_LIMITS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "minimum": lambda policy: f"at least {score(real(policy, 'min_ap'))}",
    "regression": _loss("max_regression"),
    "classes": _loss("max_class_regression", "min_class_instances"),
    "slices": _loss("max_slice_regression", "min_slice_instances"),
    "lost classes": lambda policy: f"one lost: {text(policy, 'on_lost_class')}",
    "data": lambda policy: f"other data: {text(policy, 'on_other_data')}",
    "latency": _latency,
    "parity": lambda policy: "needed" if policy.get("require_parity") else "the export's own",
}


def _about(judgement: Mapping[str, Any], which: str, name: str) -> tuple[str, ...]:
    told = part(judgement, which)
    return (name, score(real(told, "AP")), _model(told), text(told, "dataset")[:12]) if told else ()


def _model(told: Mapping[str, Any]) -> str:
    """A name and the beginning of the checkpoint's hash; an endpoint is called as it is."""
    known = part(told, "model")
    return f"{text(known, 'name')} {text(known, 'checkpoint_sha256')[:12]}".strip() if known else text(told, "model")
