"""Lines in the charts where something happened to the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sparseinst.pages.svg import BOTTOM, TOP, Frame, element
from sparseinst.pages.words import counted, number
from sparseinst.training.report.problems import severity_of
from sparseinst.training.report.records import Event

KINDS = {"non_finite": "skipped step", "failed": "failure", "preempted": "stop", "resumed": "resume"}
_APART = 100  # of the axis' length: what is closer together is one mark


@dataclass(frozen=True, slots=True)
class Mark:
    """One or several events of a kind that are too close together to be told apart."""

    kind: str
    first: int
    last: int
    count: int

    @property
    def tip(self) -> str:
        name = KINDS[self.kind]
        what = counted(self.count, name) if self.count > 1 else name
        where = number(self.first) if self.first == self.last else f"{number(self.first)} to {number(self.last)}"
        return f"{what}, iteration {where}"


def marks_of(events: Sequence[Event], end: int) -> list[Mark]:
    """The marks of a chart whose axis ends at an iteration; the gravest last, which draws them over the others."""
    found = []
    for kind in reversed(KINDS):
        places = sorted(event.iteration for event in events if event.kind == kind and event.iteration <= end)
        first = count = 0
        for index, place in enumerate(places):
            first, count = (first, count + 1) if count else (place, 1)
            if index + 1 == len(places) or (places[index + 1] - first) * _APART > end:
                found.append(Mark(kind, first, place, count))
                count = 0
    return found


def legend_of(marks: Sequence[Mark]) -> list[tuple[str, str]]:
    """(severity, what) of those that are there."""
    there = {mark.kind for mark in marks}
    return [(severity_of(kind), name) for kind, name in KINDS.items() if kind in there]


def drawn(frame: Frame, marks: Sequence[Mark]) -> str:
    """A dashed line for each with a flag at its top, and room around it for the pointer."""
    parts = []
    for mark in marks:
        x, severity = frame.x((mark.first + mark.last) / 2), severity_of(mark.kind)
        line = element("line", class_="when", x1=x, x2=x, y1=TOP - 8, y2=frame.height - BOTTOM)
        flag = element("path", class_="flag", d=f"M{x:.1f} {TOP - 8}l7 3.5l-7 3.5z")
        room = element("rect", class_="hit", x=x - 4, y=TOP - 9, width=11, height=11)
        parts.append(element("g", line, flag, room, class_=f"event {severity}", data_tip=mark.tip))
    return "".join(parts)
