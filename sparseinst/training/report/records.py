"""What a run's files say, whatever state they are in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeGuard

from sparseinst.training.report.series import Point, points
from sparseinst.training.telling.lines import EVENTS, METRICS, TIMING, records

_MOST_ITERATIONS = 2**53  # a float counts exactly up to here; more is no iteration


@dataclass(frozen=True, slots=True)
class Event:
    """A line of events.jsonl; what it lacks is empty."""

    iteration: int
    kind: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Records:
    """What the files of a run say, in the order of iterations; of two lines for one iteration the later counts.

    Missing files are empty, and lines that were cut off or are something else are left out.
    """

    steps: Sequence[Mapping[str, Any]]
    evaluations: Sequence[Mapping[str, Any]]
    timing: Sequence[Mapping[str, Any]]
    events: Sequence[Event]

    @classmethod
    def of(cls, output: Path) -> Records:
        metrics = list(_objects(output / METRICS))
        return cls(
            _in_order(record for record in metrics if "evaluation" not in record),
            _in_order(
                {**record["evaluation"], "iteration": record.get("iteration")}
                for record in metrics
                if isinstance(record.get("evaluation"), dict)
            ),
            _in_order(_objects(output / TIMING)),
            [_event(record) for record in _objects(output / EVENTS)],
        )

    @property
    def last(self) -> int:
        """The last iteration that anything is known of; 0 where nothing is."""
        return max((each[-1]["iteration"] for each in (self.steps, self.evaluations, self.timing) if each), default=0)

    def steps_of(self, name: str) -> list[Point]:
        return points((record["iteration"], record.get(name)) for record in self.steps)

    def timing_of(self, name: str) -> list[Point]:
        return points((record["iteration"], record.get(name)) for record in self.timing)

    def marks_of(self, name: str) -> list[Point]:
        """One of the COCO numbers; undefined ones, which are null or -1, are left out."""
        found = points((record["iteration"], record.get(name)) for record in self.evaluations)
        return [(iteration, value) for iteration, value in found if value >= 0]

    def median_of(self, name: str) -> float | None:
        """Of the timing records; None where there are none."""
        values = [value for _, value in self.timing_of(name)]
        return median(values) if values else None


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from records(path)
    except OSError:  # not readable now: a page without it is better
        return


def _in_order(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    of_iteration = {record["iteration"]: record for record in found if _is_iteration(record.get("iteration"))}
    return [of_iteration[iteration] for iteration in sorted(of_iteration)]


def _event(record: Mapping[str, Any]) -> Event:
    iteration = record.get("iteration")
    texts = ("" if record.get(name) is None else str(record[name]) for name in ("event", "text", "at"))
    kind, text, at = texts
    return Event(iteration if _is_iteration(iteration) else 0, kind or "?", text, at)


def _is_iteration(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_ITERATIONS
