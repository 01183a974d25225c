"""The rows of the class histogram, and what they say in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.data.report.charts import log_length
from sparseinst.data.report.table import SplitTable
from sparseinst.pages.words import counted, number

FEW = 10  # objects in all splits; a class with fewer is hardly learnt


@dataclass(frozen=True, slots=True)
class Bar:
    """One split's part of a class: its objects, and their share of the split's as a length in percent."""

    count: int
    linear: float
    logarithmic: float


@dataclass(frozen=True, slots=True)
class ClassRow:
    name: str
    total: int
    bars: tuple[Bar, ...]


def class_rows(categories: Sequence[Category], splits: Sequence[SplitTable]) -> list[ClassRow]:
    """The classes with the most objects first. Lengths are shares, so that a small split can be compared."""
    counts = np.zeros((len(splits), len(categories)), np.int64)
    for split, row in zip(splits, counts, strict=True):
        row[:] = split.objects_per_class(len(categories))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    present = shares[shares > 0]
    least, most = (float(present.min()), float(present.max())) if present.size else (1.0, 1.0)
    order = np.argsort(-counts.sum(axis=0), kind="stable")
    return [
        ClassRow(
            name=categories[index].name,
            total=int(counts[:, index].sum()),
            bars=tuple(
                Bar(int(count), round(100 * share / most, 2), round(100 * log_length(share, least, most), 2))
                for count, share in zip(counts[:, index].tolist(), shares[:, index].tolist(), strict=True)
            ),
        )
        for index in order.tolist()
    ]


def about_classes(rows: Sequence[ClassRow]) -> list[str]:
    """What the histogram says, in sentences."""
    present = [row for row in rows if row.total]
    if not present:
        return ["No class has an object."]
    first, last = present[0], present[-1]
    if len(present) == 1:
        return [f"All {number(first.total)} objects are of one class, {first.name}."]
    times = first.total / last.total
    sentence = f"The most frequent class, {first.name} ({number(first.total)}), has "
    if round(times) > 1:
        sentence += f"{number(round(times))} times as many objects as the rarest, {last.name} ({number(last.total)})."
    else:
        sentence += f"hardly more objects than the rarest, {last.name} ({number(last.total)})."
    half = int(np.searchsorted(np.cumsum([row.total for row in present]), sum(row.total for row in present) / 2)) + 1
    most = f"the {number(half)} most frequent of {number(len(present))} classes" if half > 1 else "that class"
    return [sentence, f"Half of all objects belong to {most}."]


def missing_classes(rows: Sequence[ClassRow], names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """(heading, classes) of those without objects, in all splits or in one, and of those with few."""
    lists = [("Without any object", [row.name for row in rows if not row.total])]
    if len(names) > 1:
        lists += [
            (f"Not in {name}", [row.name for row in rows if row.total and not row.bars[index].count])
            for index, name in enumerate(names)
        ]
    lists.append((f"Fewer than {FEW} objects", [row.name for row in rows if 0 < row.total < FEW]))
    return [(f"{heading}: {counted(len(found), 'class', 'classes')}", found) for heading, found in lists if found]
