"""Which classes are taken for which, as a table of shades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.analysis.confusion import OTHERS
from sparseinst.evaluation.report.values import part, real
from sparseinst.pages.words import joined, number, percent

_NAMED = 3
_FEWEST = 5  # times, to be named
_LEAST = 0.02  # of the class's objects, to be named


@dataclass(frozen=True, slots=True)
class Cell:
    """How many objects of the row were taken for the column, as a share of the row, 0 to 1."""

    count: int
    share: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Confusions:
    """names: of rows (truth) and columns (what it was taken for), the last one "background"."""

    names: list[str]
    rows: list[list[Cell]]
    about: list[str]


def confusions(metrics: Mapping[str, Any]) -> Confusions | None:
    """None where the file has no such table, or one that is not square."""
    found = part(metrics, "confusion")
    names, counts = found.get("names"), found.get("counts")
    if not isinstance(names, list) or not isinstance(counts, list) or len(names) < 2:
        return None
    if len(counts) != len(names) or any(not isinstance(row, list) or len(row) != len(names) for row in counts):
        return None
    table = [[int(value) for value in row] for row in counts]
    rows = [
        [Cell(value, value / sum(row) if value else 0.0, place == column) for column, value in enumerate(row)]
        for place, row in enumerate(table)
    ]
    named = [str(name) for name in names]
    return Confusions(named, rows, _about(named, table, real(found, "score")))


def _about(names: list[str], table: list[list[int]], threshold: float | None) -> list[str]:
    said = ["Rows are the objects, columns what they were taken for, at IoU 0.5."]
    if threshold is not None:
        said[0] = f"{said[0][:-1]} and a score of at least {threshold:.2f}."
    single = [place for place, name in enumerate(names[:-1]) if not name.startswith(OTHERS)]
    pairs = [
        (table[row][column], names[row], names[column], sum(table[row]))
        for row in single
        for column in single
        if row != column and table[row][column] >= max(_FEWEST, _LEAST * sum(table[row]))
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    if pairs:
        most = [
            f"{name} for {other} ({number(times)} times, {percent(times / total)})"
            for times, name, other, total in pairs[:_NAMED]
        ]
        said.append(f"Most often mistaken: {joined(most)}.")
    return said
