"""The same class, or the same part of the images, measured of both models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.json_values import count, mapping, number, share, shown


@dataclass(frozen=True, slots=True)
class Pair:
    """The AP of the model in service and of the candidate; `instances` is None where nobody says how many objects.

    `high` is the upper end of the interval of now - before, where there is one.
    """

    name: str
    before: float
    now: float
    instances: int | None
    high: float | None = None

    @property
    def loss(self) -> float:
        return self.before - self.now

    @property
    def may_be_chance(self) -> bool:
        return self.high is not None and self.high >= 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """What could be compared, and why the rest could not. Where no objects are, nothing is measured: no fault."""

    pairs: list[Pair]
    faults: list[str]


def class_pairs(
    candidate: Mapping[str, Any], incumbent: Mapping[str, Any], comparison: Mapping[str, Any] | None
) -> Pairs:
    """Every class, from the comparison where there is one, else from both metrics."""
    if comparison is not None:
        told = comparison.get("per_class")
        if not isinstance(told, Mapping):
            return Pairs([], ["the comparison has no classes"])
        return _compared({shown(name): entry for name, entry in told.items()})
    ours, theirs = candidate.get("per_class"), incumbent.get("per_class")
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return Pairs([], [f"{'the candidate' if isinstance(theirs, Mapping) else 'one of the two'} has no per_class"])
    return _joined({shown(k): v for k, v in ours.items()}, {shown(k): v for k, v in theirs.items()})


def slice_pairs(
    candidate: Mapping[str, Any], incumbent: Mapping[str, Any], comparison: Mapping[str, Any] | None
) -> Pairs:
    """Every part of the images, from the comparison where there is one, else from both metrics."""
    if comparison is not None:
        told = comparison.get("slices")
        if not isinstance(told, list):
            return Pairs([], ["the comparison has no slices"])
        return _compared(_by_name(told))
    ours, theirs = candidate.get("slices"), incumbent.get("slices")
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return Pairs([], ["one of the two has no slices"])
    return _joined(_by_name(ours), _by_name(theirs))


def _by_name(entries: list[Any]) -> dict[str, Any]:
    return {f"{shown(mapping(e).get('by'))} {shown(mapping(e).get('name'))}": e for e in entries}


def _joined(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Pairs:
    both = {
        name: {
            "candidate": mapping(ours.get(name)).get("AP"),
            "incumbent": mapping(entry).get("AP"),
            "instances": mapping(ours.get(name)).get("instances"),
        }
        for name, entry in theirs.items()
    }
    return _compared(both)


def _compared(entries: Mapping[str, Any]) -> Pairs:
    pairs, faults = [], []
    for name, entry in entries.items():
        told = mapping(entry)
        theirs, ours = told.get("incumbent"), told.get("candidate")
        before, now = share(theirs), share(ours)
        if before is not None and now is not None:
            pairs.append(Pair(name, before, now, count(told.get("instances")), number(told.get("high"))))
        elif theirs is not None or ours is not None or not isinstance(entry, Mapping):
            faults.append(f"{name}: AP {shown(theirs)} in service, {shown(ours)} now")
    return Pairs(pairs, faults)
