"""Curves over iterations, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sparseinst.pages.svg import Frame, chart, element, even_ticks
from sparseinst.pages.words import joined, number
from sparseinst.training.report.series import Point, thinned

_COLOURS = 4
_TIPS = 60  # columns that tell their values
_TABLE_ROWS = 20


class Curve(NamedTuple):
    """A named line; `faint` ones are what a smooth one was made of."""

    name: str
    points: Sequence[Point]
    is_faint: bool = False


def curves_card(title: str, curves: Sequence[Curve], last: int, marks: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """A chart, its legend and its figures as the page's template takes them.

    Args:
        title: What is drawn.
        curves: The lines; those without points are left out.
        last: Where the axis of iterations ends.
        marks: Iterations where something happened, each with a letter for the chart.
    """
    shown = [curve for curve in curves if curve.points]
    named = [curve for curve in shown if not curve.is_faint]
    if not named:
        return {"title": title, "drawing": "", "legend": [], "table": None}
    values = [y for curve in shown for _, y in thinned(curve.points)]
    ticks = even_ticks(max(*values, 1e-12), min(0.0, *values))
    across = even_ticks(max(last, 1))
    frame = Frame(across[-1], ticks[-1], ticks[0])
    drawing = chart(
        f"{title}: {joined([curve.name for curve in named])} over iterations; the figures are in the table below.",
        frame.rows((tick, number(tick)) for tick in ticks),
        frame.lines(marks),
        *(_line(frame, curve, _colour(curve, named)) for curve in shown),
        frame.columns(((tick, number(tick)) for tick in across), "iteration"),
        *_tips(frame, named),
    )
    legend = [(_colour(curve, named), curve.name, number(curve.points[-1][1])) for curve in named]
    return {"title": title, "drawing": drawing, "legend": legend, "table": _table(named)}


def _colour(curve: Curve, named: Sequence[Curve]) -> str:
    names = [each.name for each in named]
    return f"s{(names.index(curve.name) if curve.name in names else 0) % _COLOURS}"


def _line(frame: Frame, curve: Curve, colour: str) -> str:
    steps = [f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in thinned(curve.points)]
    if len(steps) == 1:
        x, y = curve.points[0]
        return element("circle", class_=f"point {colour}", cx=frame.x(x), cy=frame.y(y), r=2.5)
    return element("path", class_=f"line {colour}{' faint' if curve.is_faint else ''}", d="M" + "L".join(steps))


def _tips(frame: Frame, curves: Sequence[Curve]) -> list[str]:
    """Columns over the chart that tell the values of all lines there."""
    places = sorted({x for curve in curves for x, _ in curve.points})
    places = places[:: max(1, len(places) // _TIPS)]
    at: Mapping[str, dict[float, float]] = {curve.name: dict(curve.points) for curve in curves}
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(places)), frame.across]
    tips = []
    for place, begin, end in zip(places, edges, edges[1:], strict=False):
        values = [f"{name}: {number(points[place])}" for name, points in at.items() if place in points]
        tips.append(frame.hit(begin, end, "\n".join([f"iteration {number(place)}", *values])))
    return tips


def _table(curves: Sequence[Curve]) -> dict[str, Any]:
    places = sorted({x for curve in curves for x, _ in curve.points})
    chosen = places[:: max(1, -(-len(places) // _TABLE_ROWS))]
    if places[-1] not in chosen:
        chosen.append(places[-1])
    at = [dict(curve.points) for curve in curves]
    rows = [[number(x), *(number(points[x]) if x in points else "" for points in at)] for x in chosen]
    return {"head": ["iteration", *(curve.name for curve in curves)], "rows": rows}
