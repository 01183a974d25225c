"""Precision and recall of all classes together at an IoU of 0.5, over the score threshold and over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.report.card import Card
from sparseinst.evaluation.report.values import numbers, part, real, score
from sparseinst.pages.svg import Frame, chart, element, even_ticks, words
from sparseinst.pages.words import percent

_CONTOURS = (0.2, 0.4, 0.6, 0.8)  # of F1
_TABLE_STEP = 5  # of the 101 thresholds


@dataclass(frozen=True, slots=True)
class Point:
    """What a score threshold gives."""

    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def points(metrics: Mapping[str, Any]) -> list[Point]:
    """By ascending threshold; empty where the file has no curves."""
    curves = part(metrics, "curves")
    columns = [numbers(curves, name) for name in ("thresholds", "precision", "recall")]
    rows = zip(*columns, strict=False)
    return [Point(t, p, r) for t, p, r in rows if t is not None and p is not None and r is not None]


def best(metrics: Mapping[str, Any]) -> Point | None:
    """The threshold with the best F1."""
    found = part(metrics, "best")
    values = [real(found, name) for name in ("score", "precision", "recall")]
    threshold, precision, recall = values
    if threshold is None or precision is None or recall is None:
        return None
    return Point(threshold, precision, recall)


def about_best(metrics: Mapping[str, Any]) -> str:
    """The threshold that one would serve with; empty where there is none."""
    found = best(metrics)
    if found is None or not found.f1:
        return ""
    return (
        f"At a score threshold of {found.threshold:.2f} precision and recall balance best (F1 {score(found.f1)}): "
        f"{percent(found.precision)} of what is found is right, and {percent(found.recall)} of the objects are found."
    )


def recall_card(metrics: Mapping[str, Any]) -> Card:
    """Precision over recall, with lines of equal F1."""
    title, found, star = "Precision and recall", points(metrics), best(metrics)
    # Above the highest score nothing is found, and the precision of nothing is 1 by convention.
    drawn = [point for point in found if point.recall > 0]
    if not drawn:
        return Card(title)
    frame = Frame(1.0, 1.0)
    ticks = [(tick, f"{tick:g}") for tick in even_ticks(1.0)]
    most = max(drawn, key=lambda point: point.recall)
    drawing = chart(
        "Precision over recall at IoU 0.5 for all classes together; the figures are in the table below.",
        frame.rows(ticks),
        *(_contour(frame, level) for level in _CONTOURS),
        _path(frame, [(point.recall, point.precision) for point in drawn], "s0"),
        _star(frame, star),
        frame.columns(ticks, "recall (upwards: precision)"),
        *_dots(frame, drawn),
    )
    about = f"At most {percent(most.recall)} of the objects are found, whatever the threshold."
    return Card(title, drawing, about, _table(found), [("s0", "IoU 0.5"), ("dash", "equal F1")])


def threshold_card(metrics: Mapping[str, Any]) -> Card:
    """Precision, recall and F1 over the score threshold: what one reads a threshold for service from."""
    title, found, star = "Score threshold", points(metrics), best(metrics)
    if not found:
        return Card(title)
    frame = Frame(1.0, 1.0)
    ticks = [(tick, f"{tick:g}") for tick in even_ticks(1.0)]
    half = (found[1].threshold - found[0].threshold) / 2 if len(found) > 1 else 0.05
    drawing = chart(
        "Precision, recall and F1 over the score threshold; the figures are in the table below.",
        frame.rows(ticks),
        _path(frame, [(point.threshold, point.precision) for point in found if point.recall > 0], "s0"),
        _path(frame, [(point.threshold, point.recall) for point in found], "s1"),
        _path(frame, [(point.threshold, point.f1) for point in found], "s2"),
        "" if star is None else frame.lines([(star.threshold, f"best F1 {score(star.f1)}")]),
        frame.columns(ticks, "score threshold"),
        *(
            frame.hit(max(0.0, point.threshold - half), min(1.0, point.threshold + half), _tip(point))
            for point in found
        ),
    )
    legend = [("s0", "precision"), ("s1", "recall"), ("s2", "F1")]
    return Card(title, drawing, about_best(metrics), _table(found), legend)


def _path(frame: Frame, places: Sequence[tuple[float, float]], colour: str) -> str:
    if not places:
        return ""
    steps = "L".join(f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in places)
    return element("path", class_=f"line {colour}", d=f"M{steps}")


def _contour(frame: Frame, level: float) -> str:
    """Where 2pr / (p + r) is `level`."""
    recalls = [level / (2 - level) + step / 40 * (1 - level / (2 - level)) for step in range(41)]
    places = [(recall, level * recall / (2 * recall - level)) for recall in recalls]
    steps = "L".join(f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in places)
    name = words(
        f"{level:g}", frame.end - 3, frame.y(level / (2 - level)) - 3, text_anchor="end", class_="contour-name"
    )
    return element("path", class_="contour", d=f"M{steps}") + name


def _star(frame: Frame, star: Point | None) -> str:
    if star is None:
        return ""
    x, y = frame.x(star.recall), frame.y(star.precision)
    # A name of its width fits below the curve on the left, else above it on the right: never on it.
    anchor, left, down = ("end", -9, 16) if star.recall > 0.3 else ("start", 9, -6)
    return element("circle", class_="ring", cx=x, cy=y, r=5) + words(
        f"best F1 {score(star.f1)}", x + left, y + down, text_anchor=anchor, class_="axis halo"
    )


def _dots(frame: Frame, drawn: Sequence[Point]) -> list[str]:
    """Invisible, and large enough for a finger: each tells what its threshold gives."""
    return [
        element(
            "circle", class_="hit", cx=frame.x(point.recall), cy=frame.y(point.precision), r=7, data_tip=_tip(point)
        )
        for point in drawn
    ]


def _tip(point: Point) -> str:
    return (
        f"threshold {point.threshold:.2f}\nprecision {score(point.precision)}\n"
        f"recall {score(point.recall)}\nF1 {score(point.f1)}"
    )


def _table(found: Sequence[Point]) -> dict[str, Any]:
    rows = [
        (f"{point.threshold:.2f}", score(point.precision), score(point.recall), score(point.f1))
        for point in found[::_TABLE_STEP]
    ]
    return {"head": ["threshold", "precision", "recall", "F1"], "rows": rows}
