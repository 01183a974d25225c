"""The candidate against the model in service: differences with their intervals, as a forest plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.report.classes import FEW, sure_direction
from sparseinst.evaluation.report.slices import label
from sparseinst.evaluation.report.values import count, listed, part, real, score, signed, text
from sparseinst.pages.svg import even_ticks
from sparseinst.pages.words import counted, number, percent

_EACH_WAY = 6  # classes that gained most, and as many that lost most


@dataclass(frozen=True, slots=True)
class Difference:
    """One row: candidate minus incumbent; `low` and `high` bound it where it was resampled."""

    name: str
    candidate: float | None
    incumbent: float | None
    value: float
    low: float | None = None
    high: float | None = None
    instances: int | None = None

    @property
    def direction(self) -> str:
        """As `sure_direction` says it."""
        return sure_direction(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows on one axis from -`limit` to `limit`."""

    title: str
    rows: Sequence[Difference]
    limit: float

    def place(self, value: float) -> float:
        """In percent of the axis."""
        return round(50 + 50 * max(-1.0, min(1.0, value / self.limit)), 2)


def panels(comparison: Mapping[str, Any]) -> list[Panel]:
    """All images, the classes that changed most, and slices; each on an axis of its own."""
    overall = [found for name in ("AP", "AP50") if (found := _difference(name, part(comparison, name)))]
    classes = part(comparison, "per_class")
    of_classes = _existing(_difference(str(name), part(classes, name)) for name in classes)
    changed = _largest([each for each in of_classes if each.instances is None or each.instances >= FEW])
    entries = listed(comparison, "slices")
    slices = _existing(_difference(label(entry), entry) for entry in entries)
    named = (("All images", overall), ("Classes that changed most", changed), ("Slices", slices))
    return [Panel(title, rows, _limit(rows)) for title, rows in named if rows]


def about_difference(comparison: Mapping[str, Any]) -> tuple[str, str] | None:
    """("good", "warning" or "note", a sentence): whether the candidate is better, and how sure that is."""
    found = _difference("AP", part(comparison, "AP"))
    if found is None:
        return None
    values = part(comparison, "AP")
    against = f" ({score(found.candidate)} against {score(found.incumbent)})"
    if found.low is None or found.high is None:
        return (
            "note",
            f"AP differs from the incumbent's by {signed(found.value)}{against}; "
            "too few images to say how sure that is.",
        )
    confidence = real(values, "confidence")
    sure = f"with a confidence of {percent(confidence)} " if confidence is not None else ""
    between = f"{sure}the difference is between {signed(found.low)} and {signed(found.high)}"
    worse = real(values, "p_worse")
    risk = "" if worse is None else f" In {percent(worse)} of the resamples the candidate was the worse one."
    if found.direction == "good":
        return (
            "good",
            f"Better than the incumbent by {signed(found.value)} AP{against}, and not by chance: {between}.{risk}",
        )
    if found.direction == "error":
        return (
            "warning",
            f"Worse than the incumbent by {signed(found.value)} AP{against}, and not by chance: {between}.{risk}",
        )
    return (
        "note",
        f"No difference from the incumbent can be told from chance: AP {signed(found.value)}{against}; "
        f"{between}.{risk} More validation images would make the interval narrower.",
    )


def how_compared(comparison: Mapping[str, Any]) -> str:
    """What the lines are, in sentences; empty where there are none."""
    values = part(comparison, "AP")
    resamples, confidence = count(values, "resamples"), real(values, "confidence")
    if not resamples or confidence is None:
        return ""
    tests = sum(
        real(part(part(comparison, "per_class"), name), "low") is not None for name in part(comparison, "per_class")
    )
    chance = round((1 - confidence) * tests)
    many = f", as about {counted(chance, 'class', 'classes')} would by chance alone" if chance else ""
    return (
        f"Lines are intervals of {percent(confidence)} from {number(resamples)} paired resamples of the images, "
        f"coloured where they leave out 0{many}; bars have none. Classes with fewer than {FEW} objects are left out."
    )


def incumbent_name(comparison: Mapping[str, Any]) -> str:
    """What people call it; empty where that is not known."""
    model = part(comparison, "incumbent")
    return text(model, "name") or text(model, "source")


def _difference(name: str, values: Mapping[str, Any]) -> Difference | None:
    value = real(values, "difference")
    if value is None:
        return None
    instances = count(values, "instances") if real(values, "instances") is not None else None
    candidate, incumbent, low, high = (real(values, key) for key in ("candidate", "incumbent", "low", "high"))
    return Difference(name, candidate, incumbent, value, low, high, instances)


def _existing(found: Iterable[Difference | None]) -> list[Difference]:
    return [each for each in found if each is not None]


def _largest(found: Sequence[Difference]) -> list[Difference]:
    """What gained most first, what lost most last; what stayed is left out."""
    order = sorted((each for each in found if round(each.value, 3)), key=lambda each: (-each.value, each.name))
    if len(order) <= 2 * _EACH_WAY:
        return order
    gained = [each for each in order if each.value > 0][:_EACH_WAY]
    fallen = [each for each in order if each.value < 0][-_EACH_WAY:]
    return gained + fallen


def _limit(rows: Sequence[Difference]) -> float:
    reach = max(abs(bound) for row in rows for bound in (row.value, row.low or 0.0, row.high or 0.0))
    return even_ticks(max(reach, 0.001), count=4)[-1]
