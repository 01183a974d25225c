"""Events as the page lists them: one group for each kind, the gravest and the most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sparseinst.pages.words import shortened
from sparseinst.training.report.records import Event

_SEVERITIES = ("error", "warning", "note")
_EXAMPLES = 20
_MOST_KINDS = 40
_LONGEST_KIND, _LONGEST_TEXT, _LONGEST_TIME = 40, 400, 32


class Kind(NamedTuple):
    """How grave it is, what it means, and what to do about it."""

    severity: str
    meaning: str
    fix: str = ""


_KINDS = {
    "failed": Kind("error", "the run could not go on", "Mend what the text says; the same command goes on"),
    "save_failed": Kind(
        "error", "a state could not be saved: a stop would lose the steps since the last one", "Make room on the disk"
    ),
    "upload_failed": Kind(
        "error", "a state could not be copied to the mirror", "See that the bucket can be reached and written to"
    ),
    "non_finite": Kind(
        "warning",
        "steps that were skipped because their loss was no number",
        "A few are harmless. Many: lower train.lr, or set train.clip_gradient_norm=1; non_finite/ has the images",
    ),
    "bad_image": Kind(
        "warning", "images that could not be read; others took their place", "Run sparseinst check, or ingest again"
    ),
    "worker_restarted": Kind(
        "warning", "processes that load images died and were replaced", "Give more memory, or fewer input.workers"
    ),
    "storage_away": Kind("warning", "the storage did not answer for a while"),
    "preempted": Kind("note", "the run was stopped from outside; its state was saved"),
    "resumed": Kind("note", "the run went on from a saved state"),
}
_UNKNOWN = Kind("note", "")


@dataclass(frozen=True, slots=True)
class Group:
    """All events of one kind; `examples` are the latest."""

    kind: str
    severity: str
    meaning: str
    fix: str
    count: int
    examples: tuple[Event, ...]


def grouped(events: Sequence[Event]) -> list[Group]:
    """At most 40 kinds; a run has ten."""
    of_kind: dict[str, list[Event]] = {}
    for event in events:
        of_kind.setdefault(event.kind, []).append(event)
    groups = [_group(kind, found) for kind, found in of_kind.items()]
    order = sorted(groups, key=lambda group: (_SEVERITIES.index(group.severity), -group.count, group.kind))
    return order[:_MOST_KINDS]


def severity_of(kind: str) -> str:
    return _KINDS.get(kind, _UNKNOWN).severity


def meaning_of(kind: str) -> str:
    return _KINDS.get(kind, _UNKNOWN).meaning or kind


def _group(kind: str, found: Sequence[Event]) -> Group:
    known = _KINDS.get(kind, _UNKNOWN)
    shown = [
        Event(event.iteration, event.kind, shortened(event.text, _LONGEST_TEXT), shortened(event.at, _LONGEST_TIME))
        for event in found[-_EXAMPLES:]
    ]
    name = shortened(kind, _LONGEST_KIND)
    return Group(name, known.severity, known.meaning, known.fix, len(found), tuple(shown))
