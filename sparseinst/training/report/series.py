"""A run's files as series of numbers over iterations, few enough to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sparseinst.training.telling.lines import EVENTS, METRICS, TIMING, records

MOST_POINTS = 300  # of a curve
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Records:
    """What the files of a run say; missing files are empty, and a line that was cut off is left out."""

    steps: Sequence[Mapping[str, Any]]
    evaluations: Sequence[tuple[int, Mapping[str, float | None]]]
    timing: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, output: Path) -> Records:
        metrics = [record for record in records(output / METRICS) if isinstance(record.get("iteration"), int)]
        return cls(
            [record for record in metrics if "evaluation" not in record],
            [(record["iteration"], record["evaluation"]) for record in metrics if "evaluation" in record],
            [record for record in records(output / TIMING) if isinstance(record.get("iteration"), int)],
            list(records(output / EVENTS)),
        )

    def steps_of(self, name: str) -> list[Point]:
        return points((record["iteration"], record.get(name)) for record in self.steps)

    def timing_of(self, name: str) -> list[Point]:
        return points((record["iteration"], record.get(name)) for record in self.timing)

    def marks_of(self, name: str) -> list[Point]:
        return points((iteration, numbers.get(name)) for iteration, numbers in self.evaluations)

    def median_of(self, name: str) -> float | None:
        """Of the timing records; None where there are none."""
        values = [value for _, value in self.timing_of(name)]
        return median(values) if values else None


def points(pairs: Iterable[tuple[float, Any]]) -> list[Point]:
    """The pairs whose value is a number."""
    return [(x, float(y)) for x, y in pairs if isinstance(y, int | float) and math.isfinite(y)]


def thinned(series: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most so many points (and one): of each stretch the lowest and the highest, so that no spike is lost."""
    if len(series) <= most:
        return list(series)
    stretch = math.ceil(2 * len(series) / most)
    kept = []
    for begin in range(0, len(series), stretch):
        part = series[begin : begin + stretch]
        low, high = min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])
        kept += sorted({low, high})
    return kept if kept[-1] == series[-1] else [*kept, series[-1]]


def smoothed(series: Sequence[Point], width: int = 20) -> list[Point]:
    """The mean of the points around each; narrower where the series is short."""
    half = max(1, min(width, len(series) // 10) // 2)
    sums = [0.0]
    for _, y in series:
        sums.append(sums[-1] + y)
    smooth = []
    for index, (x, _) in enumerate(series):
        begin, end = max(0, index - half), min(len(series), index + half + 1)
        smooth.append((x, (sums[end] - sums[begin]) / (end - begin)))
    return smooth
