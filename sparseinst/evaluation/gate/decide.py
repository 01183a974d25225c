"""Decides whether a candidate model may be deployed. Pure: two metrics in, a decision with its reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sparseinst.errors import ConfigError

Decision: TypeAlias = Literal["pass", "fail", "investigate"]

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """`pass`: deploy. `fail`: do not. `investigate`: do not, before a person has looked; the reasons say at what."""

    decision: Decision
    reasons: list[str]


def decide(candidate: Mapping[str, Any], *, min_ap: float, incumbent: Mapping[str, Any] | None = None) -> Verdict:
    """Compares the candidate's mask AP with the threshold and with the model in service.

    A candidate fails when its AP is missing or no number, below `min_ap`, or below the incumbent's; being equal is
    enough. It is to be investigated when the two were measured on different data, when the incumbent's own AP
    cannot be read, or when it no longer finds a class that the incumbent finds.

    Args:
        candidate: The content of a metrics.json.
        min_ap: In [0, 1].
        incumbent: The metrics.json of the model in service.

    Raises:
        ConfigError: `min_ap` is not in [0, 1].
    """
    if not 0 <= min_ap <= 1:  # also refuses NaN
        raise ConfigError(f"A minimum AP of {min_ap} cannot be.", where="min_ap", fix="Give a number from 0 to 1.")
    ap = _read_ap(candidate)
    if ap is None:
        return Verdict("fail", [_no_ap(candidate)])
    if ap < min_ap:
        return Verdict("fail", [f"mask AP {ap:.{_DIGITS}f} is below the minimum {min_ap:.{_DIGITS}f}"])
    reasons = [f"mask AP {ap:.{_DIGITS}f} reaches the minimum {min_ap:.{_DIGITS}f}"]
    if incumbent is None:
        return Verdict("pass", reasons)
    doubts = _doubts(candidate, incumbent)
    if doubts:
        return Verdict("investigate", doubts)
    incumbent_ap = _read_ap(incumbent)
    assert incumbent_ap is not None  # else it would be a doubt
    if ap < incumbent_ap:
        return Verdict(
            "fail", [f"the model in service is better: mask AP {incumbent_ap:.{_DIGITS}f} against {ap:.{_DIGITS}f}"]
        )
    return Verdict("pass", [*reasons, f"and is not below the {incumbent_ap:.{_DIGITS}f} of the model in service"])


def _read_ap(metrics: Mapping[str, Any]) -> float | None:
    ap = metrics.get("AP")
    if not isinstance(ap, (int, float)) or isinstance(ap, bool):
        return None
    return float(ap) if 0 <= ap <= 1 else None  # also refuses NaN


def _no_ap(candidate: Mapping[str, Any]) -> str:
    if "AP" not in candidate:
        return "the candidate's metrics have no AP"
    why = candidate.get("undefined")
    reason = why.get("AP") if isinstance(why, Mapping) else None
    return f"the candidate's mask AP is {candidate['AP']!r}, not a number from 0 to 1{f': {reason}' if reason else ''}"


def _doubts(candidate: Mapping[str, Any], incumbent: Mapping[str, Any]) -> list[str]:
    if _read_ap(incumbent) is None:
        return [f"the mask AP of the model in service is {incumbent.get('AP')!r}, not a number from 0 to 1"]
    doubts = []
    ours, theirs = candidate.get("dataset"), incumbent.get("dataset")
    if ours and theirs and ours != theirs:
        doubts.append(f"the two were measured on different data: {ours} against {theirs}")
    doubts += [
        f"the class '{name}' is no longer found: AP {before:.{_DIGITS}f} in service, 0 now"
        for name, before, now in _class_aps(candidate, incumbent)
        if before > 0 and now == 0
    ]
    return doubts


def _class_aps(candidate: Mapping[str, Any], incumbent: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """(name, the incumbent's AP, the candidate's) of every class that both could be measured on."""
    ours, theirs = candidate.get("per_class") or {}, incumbent.get("per_class") or {}
    both = ((name, _read_ap(theirs[name]), _read_ap(ours[name])) for name in theirs if name in ours)
    return [(name, before, now) for name, before, now in both if before is not None and now is not None]
