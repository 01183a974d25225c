"""Reads metrics.json as it is: older files and other programs' detections lack parts, and any number may be null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparseinst.evaluation.json_values import mapping, number

NOTHING = "–"


def part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside of another; empty where it is absent or null."""
    return mapping(values.get(name))


def listed(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list inside of an object."""
    found = values.get(name)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, Sequence) else []


def numbers(values: Mapping[str, Any], name: str) -> list[float | None]:
    """The numbers of a list inside of an object."""
    found = values.get(name)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [number(value) for value in found]


def real(values: Mapping[str, Any], name: str) -> float | None:
    """A number inside of an object; None where it is absent, null or not finite."""
    return number(values.get(name))


def count(values: Mapping[str, Any], name: str) -> int:
    """A count inside of an object, 0 where it is absent."""
    return int(real(values, name) or 0)


def text(values: Mapping[str, Any], name: str) -> str:
    """A text inside of an object, empty where it is absent."""
    found = values.get(name)
    return "" if found is None else str(found)


def score(value: float | None) -> str:
    """An AP, a share or a score as COCO's tables write it."""
    return NOTHING if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """A difference of two scores, with a real minus."""
    if value is None:
        return NOTHING
    shown = f"{abs(value):.3f}"
    return ("" if float(shown) == 0 else "+" if value > 0 else "\N{MINUS SIGN}") + shown


def milliseconds(value: float | None) -> str:
    """A latency; three digits are more than it repeats to."""
    if value is None:
        return NOTHING
    return f"{value / 1000:.3g}\u202fs" if value >= 1000 else f"{value:.3g}\u202fms"


def length(value: float | None) -> float:
    """A share of a track, as percent of its width."""
    return 0.0 if value is None else round(100 * min(max(value, 0.0), 1.0), 2)
