"""The rows of the table of classes, and what they say in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.report.values import count, part, real, score
from sparseinst.pages.words import counted, joined, number

FEW = 10  # objects; the AP of a class with fewer says little
FIRST = 20  # rows that are seen before one asks for all
_NAMED = 3  # of the weakest classes
_LISTED = 60  # names in a list beside the table


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class; None where a number is undefined or absent.

    Attributes:
        ap, ap50, ar: Average precision and recall.
        objects, detections: Counts.
        threshold, f1: The score threshold with the best F1 at IoU 0.5.
        change: AP minus the incumbent's.
        direction: Of the change, as `sure_direction` says it.
    """

    name: str
    ap: float | None
    ap50: float | None
    ar: float | None
    objects: int
    detections: float | None
    threshold: float | None
    f1: float | None
    change: float | None
    direction: str

    @property
    def is_measured(self) -> bool:
        """Whether there are objects enough for its AP to say something."""
        return self.ap is not None and self.objects >= FEW


def sure_direction(low: float | None, high: float | None) -> str:
    """Surely up ("good"), surely down ("error"), or what chance may have made (""), by a difference's interval."""
    if low is None or high is None:
        return ""
    return "good" if low > 0 else "error" if high < 0 else ""


def class_rows(metrics: Mapping[str, Any], comparison: Mapping[str, Any]) -> list[ClassRow]:
    """The lowest AP first, classes without one last."""
    classes, changes = part(metrics, "per_class"), part(comparison, "per_class")
    rows = [_row(str(name), part(classes, name), part(changes, name)) for name in classes]
    return sorted(rows, key=lambda row: (row.ap is None, row.ap or 0.0, -row.objects, row.name))


def _row(name: str, values: Mapping[str, Any], change: Mapping[str, Any]) -> ClassRow:
    best = part(values, "best")
    return ClassRow(
        name=name,
        ap=real(values, "AP"),
        ap50=real(values, "AP50"),
        ar=real(values, "AR"),
        objects=count(values, "instances"),
        detections=real(values, "detections"),
        threshold=real(best, "score"),
        f1=real(best, "f1"),
        change=real(change, "difference"),
        direction=sure_direction(real(change, "low"), real(change, "high")),
    )


def about_lost(rows: Sequence[ClassRow]) -> str:
    """Classes of which nothing is found; empty where there is none."""
    lost = [row for row in rows if row.ap == 0 and row.objects]
    if not lost or len(rows) < 2:
        return ""
    more = len(lost) - _NAMED
    names = [row.name for row in lost[:_NAMED]] + ([f"{number(more)} more"] if more > 0 else [])
    return f"{joined(names)}: AP 0, though there are objects. Too few in training, or named differently there?"


def about_weakest(rows: Sequence[ClassRow]) -> str:
    """The classes that are found worst; empty where there are too few to single some out."""
    measured = [row for row in rows if row.is_measured and row.ap]
    if len(measured) < 2 * _NAMED:
        return ""
    return (
        joined([f"{row.name} (AP {score(row.ap)}, {counted(row.objects, 'object')})" for row in measured[:_NAMED]])
        + "."
    )


def about_classes(rows: Sequence[ClassRow]) -> list[str]:
    """What the table says, in sentences."""
    measured = [row for row in rows if row.ap is not None]
    if not measured:
        return ["No class has an AP."]
    if len(measured) == 1:
        return [f"Only one class has an AP, {measured[0].name}: it is the AP of all."]
    worst, best = measured[0], measured[-1]
    first = f"From {worst.name} ({score(worst.ap)}) to {best.name} ({score(best.ap)})."
    middle = measured[len(measured) // 2]
    half = f"Half of the classes with an AP are below {score(middle.ap)}." if len(measured) > 2 else ""
    return [sentence for sentence in (first, half) if sentence]


def lists(rows: Sequence[ClassRow]) -> list[tuple[str, list[str]]]:
    """(heading, classes) of those whose numbers need care; long lists are cut."""
    groups = [
        ("Never found right", [row.name for row in rows if row.ap == 0 and row.objects]),
        ("Without any object", [row.name for row in rows if not row.objects]),
        (f"Fewer than {FEW} objects, so the AP is a rough guess", [r.name for r in rows if 0 < r.objects < FEW]),
    ]
    return [
        (f"{heading}: {counted(len(found), 'class', 'classes')}", _cut(found)) for heading, found in groups if found
    ]


def _cut(names: Sequence[str]) -> list[str]:
    more = len(names) - _LISTED
    return [*names[:_LISTED], f"and {number(more)} more"] if more > 0 else list(names)
