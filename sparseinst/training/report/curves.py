"""Curves over iterations, as SVG and as a table."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sparseinst.pages.svg import Frame, chart, element, even_ticks, words
from sparseinst.pages.words import joined, number
from sparseinst.training.report.marks import Mark, drawn
from sparseinst.training.report.series import Point, thinned

WIDE, SMALL = (540, 236), (380, 216)
_COLOURS = 4
_TIPS = 90  # columns that tell their values
_TABLE_ROWS = 24
_DOTS = 60  # points up to which each has a dot
_CUT_FROM, _CUT_ABOVE = 50, 5  # points; times the 98th percentile


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line; a `faint` one is what the smooth one was made of."""

    name: str
    points: Sequence[Point]
    is_faint: bool = False
    has_dots: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """What a chart of curves shows.

    Attributes:
        title: What is drawn.
        curves: The lines, at least one of them with a point.
        end: Where the axis of iterations ends.
        marks: Where something happened.
        text: Says a value.
        tick: Says one at the axis.
        size: Width and height.
        star: A point with a name, e.g. the best AP.
        level: A value with a name that deserves a line across.
    """

    title: str
    curves: Sequence[Curve]
    end: int
    marks: Sequence[Mark]
    text: Callable[[float], str]
    tick: Callable[[float], str]
    size: tuple[int, int] = SMALL
    star: tuple[Point, str] | None = None
    level: tuple[float, str] | None = None


def figure(value: float) -> str:
    """A value with four digits; powers of ten without zeros, as 5e-5."""
    if abs(value) >= 10_000 and abs(value) < 1e9:
        return number(value)
    return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e+")


def colour_of(curve: Curve, curves: Sequence[Curve]) -> str:
    """s0, s1, ...; a faint curve is the colour of the first."""
    return "s0" if curve.is_faint else f"s{[c.name for c in curves if not c.is_faint].index(curve.name) % _COLOURS}"


def draw(plot: Plot) -> str:
    """The chart."""
    shown = [curve for curve in plot.curves if curve.points]
    most, _ = ceiling(shown)
    values = [y for curve in shown for _, y in curve.points]
    ticks = even_ticks(max(0.0, most, plot.level[0] if plot.level else 0.0), min(0.0, *values))
    frame = Frame(max(plot.end, 1), ticks[-1], ticks[0], *plot.size)
    across = [tick for tick in even_ticks(frame.across) if tick <= frame.across]
    return chart(
        f"{plot.title}: {joined([c.name for c in shown])} over iterations; the figures are in the table below.",
        frame.rows((tick, plot.tick(tick)) for tick in ticks),
        *(_line(frame, curve, colour_of(curve, plot.curves)) for curve in shown),
        _level(frame, plot.level),
        _star(frame, plot.star),
        frame.columns(((tick, number(tick)) for tick in across), "iteration"),
        *_tips(frame, shown, plot.text),
        drawn(frame, plot.marks),
        width=plot.size[0],
        height=plot.size[1],
    )


def ceiling(curves: Sequence[Curve]) -> tuple[float, int]:
    """The highest value that is drawn, and how many values are above it: a spike shall not flatten all the rest."""
    values = np.array([y for curve in curves for _, y in curve.points])
    if len(values) < _CUT_FROM:
        return float(values.max()), 0
    usual = float(np.percentile(values, 98))
    if usual <= 0 or values.max() <= _CUT_ABOVE * usual:
        return float(values.max()), 0
    top = 1.5 * usual
    return top, int(np.count_nonzero(values > top))


def _line(frame: Frame, curve: Curve, colour: str) -> str:
    places = [(frame.x(x), frame.y(min(y, frame.up))) for x, y in thinned(curve.points)]
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    line = element("path", class_=f"line {colour}{' faint' if curve.is_faint else ''}", d=f"M{steps}")
    if len(places) > 1 and not (curve.has_dots and len(places) <= _DOTS):
        return line
    return line + "".join(element("circle", class_=f"point {colour}", cx=x, cy=y, r=2.4) for x, y in places)


def _level(frame: Frame, level: tuple[float, str] | None) -> str:
    if level is None:
        return ""
    y = frame.y(level[0])
    line = element("line", class_="guide", x1=frame.x(0), x2=frame.end, y1=y, y2=y)
    return line + words(level[1], frame.end, y - 4, text_anchor="end", class_="axis halo")


def _star(frame: Frame, star: tuple[Point, str] | None) -> str:
    if star is None:
        return ""
    (x, y), name = star
    left, top = frame.x(x), frame.y(min(y, frame.up))
    anchor = "end" if x > frame.across / 2 else "start"
    ring = element("circle", class_="ring", cx=left, cy=top, r=5)
    return ring + words(name, left, top + 18, text_anchor=anchor, class_="axis halo")


def _tips(frame: Frame, curves: Sequence[Curve], text: Callable[[float], str]) -> list[str]:
    """Columns over the chart, each of which tells the values of all lines there."""
    places = sorted({x for curve in curves for x, _ in curve.points})
    chosen = _evenly(places, _TIPS)
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(chosen)), frame.across]
    tips = []
    for place, (begin, end) in zip(chosen, pairwise(edges), strict=True):
        near = [(curve.name, _nearest(curve.points, place)) for curve in curves]
        said = [f"{name}: {text(y)}" for name, (x, y) in near if begin <= x <= end]
        tips.append(frame.hit(begin, end, "\n".join([f"iteration {number(place)}", *said])))
    return tips


def table(curves: Sequence[Curve], text: Callable[[float], str]) -> dict[str, list[str] | list[list[str]]]:
    """The figures of some iterations, the first and the last among them."""
    named = [curve for curve in curves if curve.points]
    at = [dict(curve.points) for curve in named]
    whole = sorted(set.union(*map(set, at))) if at else []
    shared = sorted(set.intersection(*map(set, at))) if at else []  # a smoothed line has fewer points
    rows = [
        [number(place), *(text(points[place]) if place in points else "" for points in at)]
        for place in _evenly(shared if len(shared) > _TABLE_ROWS else whole, _TABLE_ROWS)
    ]
    return {"head": ["iteration", *(curve.name for curve in named)], "rows": rows}


def _evenly(places: Sequence[float], most: int) -> list[float]:
    if len(places) <= most:
        return list(places)
    return [places[index] for index in np.linspace(0, len(places) - 1, most).round().astype(int).tolist()]


def _nearest(series: Sequence[Point], place: float) -> Point:
    index = bisect_left(series, (place,))
    return min(series[max(0, index - 1) : index + 1], key=lambda point: abs(point[0] - place))
