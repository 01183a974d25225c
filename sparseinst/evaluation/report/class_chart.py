"""AP over the number of objects: whether it is the rare classes that are weak."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log10

from sparseinst.evaluation.report.card import Card
from sparseinst.evaluation.report.classes import ClassRow
from sparseinst.evaluation.report.values import score
from sparseinst.pages.svg import Frame, chart, element, even_ticks
from sparseinst.pages.words import counted, number

_LEAST = 5  # classes, to draw them
_MUCH = 0.1  # of AP, between the frequent and the rare half


def class_card(rows: Sequence[ClassRow]) -> Card | None:
    """A dot for each class that has an AP; None for a handful of classes, which the table shows as well."""
    found = [(row, row.ap) for row in rows if row.ap is not None and row.objects]
    if len(found) < _LEAST:
        return None
    decades = max(1, ceil(log10(max(row.objects for row, _ in found))))
    up = even_ticks(max(0.1, *(ap for _, ap in found)))
    frame = Frame(float(decades), up[-1])
    dots = (
        element(
            "circle", class_="bubble", cx=frame.x(log10(row.objects)), cy=frame.y(ap), r=4,
            data_tip=f"{row.name}\nAP {score(ap)}, {counted(row.objects, 'object')}",
        )
        for row, ap in found
    )  # fmt: skip
    drawing = chart(
        "AP of each class over its number of objects; the figures are in the table of classes.",
        frame.rows((tick, f"{tick:g}") for tick in up),
        frame.columns(((float(place), number(10**place)) for place in range(decades + 1)), "objects (upwards: AP)"),
        *dots,
    )
    return Card("Rare and frequent classes", drawing, _about([(row.objects, ap) for row, ap in found]))


def _about(found: Sequence[tuple[int, float]]) -> str:
    order = sorted(found)
    half = len(order) // 2
    rare, frequent = (sum(ap for _, ap in some) / len(some) for some in (order[:half], order[-half:]))
    if frequent - rare > _MUCH:
        return (
            f"The rarer half of the classes has a mean AP of {score(rare)}, the more frequent half {score(frequent)}: "
            "more images of rare classes would help."
        )
    if rare - frequent > _MUCH:
        return (
            f"Rare classes are not the weak ones: the rarer half has a mean AP of {score(rare)}, the more frequent "
            f"half {score(frequent)}."
        )
    return f"Rare and frequent classes are found about alike: a mean AP of {score(rare)} and {score(frequent)}."
