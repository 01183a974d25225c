"""The checks that hold the candidate against the model in service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparseinst.evaluation.gate.candidate import unknown_ap
from sparseinst.evaluation.gate.pairs import Pair, Pairs, class_pairs, slice_pairs
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.gate.verdict import Outcome, Reason
from sparseinst.evaluation.json_values import mapping, number, share, shown

_ROUNDING = 1e-9  # 0.60 - 0.59 is 0.010000000000000009
_SAME_AP = 1e-3  # computed twice, in two ways
_FAULTS_SHOWN = 3


def check_incumbent(
    candidate: Mapping[str, Any], incumbent: Mapping[str, Any], comparison: Any, policy: Policy
) -> list[Reason]:
    """All checks against the model in service; only the first two where the numbers cannot be compared."""
    data = _check_data(candidate, incumbent, comparison, policy)
    if data.outcome != "pass":
        return [data]
    told = mapping(comparison) if comparison is not None else None
    classes, slices = class_pairs(candidate, incumbent, told), slice_pairs(candidate, incumbent, told)
    return [
        data,
        _check_overall(candidate, incumbent, told, policy),
        _check_worst("classes", classes, (policy.max_class_regression, policy.min_class_instances), policy),
        _check_lost(classes, policy),
        _check_worst("slices", slices, (policy.max_slice_regression, policy.min_slice_instances), policy),
    ]


def _check_data(candidate: Mapping[str, Any], incumbent: Mapping[str, Any], comparison: Any, policy: Policy) -> Reason:
    if share(incumbent.get("AP")) is None:
        return Reason("data", "investigate", f"the mask AP of the model in service is {unknown_ap(incumbent)}")
    sources = {"candidate": candidate.get("dataset"), "model in service": incumbent.get("dataset")}
    if comparison is not None:
        sources["comparison"] = mapping(comparison).get("dataset")
    unnamed = [who for who, dataset in sources.items() if not isinstance(dataset, str) or not dataset]
    if unnamed:
        return Reason("data", "investigate", f"it is not said on which data these were measured: {', '.join(unnamed)}")
    if len(set(sources.values())) == 1:
        return _check_counting(candidate, incumbent)
    words = "; ".join(f"{who} on {str(dataset)[:12]}" for who, dataset in sources.items())
    if policy.on_other_data == "thresholds":
        return Reason("data", "not asked", f"measured on different data, so only the thresholds decide: {words}")
    return Reason("data", policy.on_other_data, f"the two were measured on different data: {words}")


def _check_counting(candidate: Mapping[str, Any], incumbent: Mapping[str, Any]) -> Reason:
    ours, theirs = candidate.get("max_dets"), incumbent.get("max_dets")
    if ours != theirs:
        words = f"max_dets {shown(theirs)} in service, {shown(ours)} now"
        return Reason("data", "investigate", f"detections were counted differently: {words}")
    return Reason("data", "pass", "both models were measured on the same data")


def _check_overall(
    candidate: Mapping[str, Any], incumbent: Mapping[str, Any], comparison: Mapping[str, Any] | None, policy: Policy
) -> Reason:
    now, before = share(candidate.get("AP")), share(incumbent.get("AP"))
    if now is None or before is None:
        return Reason("regression", "fail", "without both APs there is nothing to compare")
    fault = _fault(comparison, now, before)
    if fault:
        return Reason("regression", "investigate", fault)
    interval = _interval(comparison)
    words = f"mask AP {now:.4f} against {before:.4f} in service, {_interval_in_words(now - before, interval)}"
    if now - before < -policy.max_regression - _ROUNDING:
        return Reason("regression", *_on_regression(words, interval, policy))
    if policy.require_gain and interval is None:
        return Reason("regression", "investigate", f"{words}: whether it is better beyond chance cannot be known")
    if policy.require_gain and interval is not None and interval[0] <= 0:
        return Reason("regression", "fail", f"{words}: not better beyond chance")
    return Reason("regression", "pass", f"{words}: at most {policy.max_regression:.4f} may be lost")


def _on_regression(words: str, interval: tuple[float, float] | None, policy: Policy) -> tuple[Outcome, str]:
    if interval is None:
        return "fail", f"the model in service is better: {words}"
    if interval[1] < 0:
        return "fail", f"the model in service is better, beyond chance: {words}"
    return policy.within_noise, f"it may be worse, or it may be chance: {words}"


def _fault(comparison: Mapping[str, Any] | None, now: float, before: float) -> str:
    """What is wrong with the comparison; empty where nothing is, or where there is none."""
    if comparison is None:
        return ""
    told = mapping(comparison.get("AP"))
    ends = told.get("low"), told.get("high")
    if "low" not in told or "high" not in told or (ends != (None, None) and _interval(comparison) is None):
        return f"the comparison is no interval: {shown(comparison.get('AP'))}"
    for who, ap in (("candidate", now), ("incumbent", before)):
        compared = share(told.get(who))
        if compared is None or abs(compared - ap) > _SAME_AP:
            return f"matches.npz and metrics.json of the {who} disagree: AP {shown(told.get(who))} and {ap:.4f}"
    return ""


def _interval(comparison: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Low and high of the difference; None where too few images have objects, or nothing was compared."""
    told = mapping(mapping(comparison).get("AP"))
    low, high = number(told.get("low")), number(told.get("high"))
    return (low, high) if low is not None and high is not None and low <= high else None


def _interval_in_words(difference: float, interval: tuple[float, float] | None) -> str:
    between = f" ({interval[0]:+.4f} to {interval[1]:+.4f})" if interval else " (no interval)"
    return f"difference {difference:+.4f}{between}"


def _check_worst(check: str, found: Pairs, limits: tuple[float, int], policy: Policy) -> Reason:
    """The class or part of the images that lost most. `limits`: AP that it may lose, objects that it must have."""
    most, min_instances = limits
    counted = [pair for pair in found.pairs if pair.instances is not None and pair.instances >= min_instances]
    beyond = [pair for pair in counted if pair.loss > most + _ROUNDING]
    certain = [pair for pair in beyond if not pair.may_be_chance]
    if certain:
        return Reason(check, "fail", f"lost more than {most:.4f}: {_worst_in_words(certain)}")
    uncounted = [f"{pair.name}: number of objects unknown" for pair in found.pairs if pair.instances is None]
    faults = [*found.faults, *uncounted]
    if faults:
        more = f" and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        return Reason(check, "investigate", f"not all can be compared: {'; '.join(faults[:_FAULTS_SHOWN])}{more}")
    if beyond:
        words = f"lost more than {most:.4f}, or it may be chance: {_worst_in_words(beyond)}"
        return Reason(check, policy.within_noise, words)
    if not counted:
        return Reason(check, "pass", f"none has {min_instances} objects or more: too few to say anything")
    return Reason(check, "pass", f"none lost more than {most:.4f}; the worst: {_worst_in_words(counted)}")


def _worst_in_words(pairs: Sequence[Pair]) -> str:
    worst = max(pairs, key=lambda pair: (pair.loss, pair.name))
    return f"{worst.name}, AP {worst.before:.4f} in service, {worst.now:.4f} now ({worst.instances} objects)"


def _check_lost(found: Pairs, policy: Policy) -> Reason:
    lost = [f"{pair.name} (AP {pair.before:.4f})" for pair in found.pairs if pair.before > 0 and pair.now == 0]
    if lost:
        return Reason("lost classes", policy.on_lost_class, f"no longer found: {', '.join(lost)}")
    return Reason("lost classes", "pass", "every class that the model in service finds is still found")
