"""The cards of the page: a chart, what it says in words, and its figures as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from sparseinst.pages.words import counted, joined, number, percent
from sparseinst.training.report.curves import SMALL, WIDE, Curve, Plot, ceiling, colour_of, draw, figure, table
from sparseinst.training.report.marks import Mark
from sparseinst.training.report.records import Records
from sparseinst.training.report.series import Point, smoothed
from sparseinst.training.report.summary import TrainSummary
from sparseinst.training.report.verdict import MOST_WAIT

_PARTS = {"class": "loss_ce", "mask": "loss_mask", "dice": "loss_dice", "objectness": "loss_objectness"}
_SIZES = {"small": "APs", "medium": "APm", "large": "APl"}


def learning_cards(records: Records, summary: TrainSummary, end: int, marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """Loss, AP, and what the optimizer did."""
    loss, norm = records.steps_of("loss"), records.steps_of("grad_norm")
    parts = [Curve(name, smoothed(records.steps_of(key))) for name, key in _PARTS.items()]
    scores = [Curve(name, records.marks_of(name), has_dots=True) for name in ("AP", "AP50", "AP75")]
    sizes = [Curve(name, records.marks_of(key), has_dots=True) for name, key in _SIZES.items()]
    rates = [Curve("learning rate", records.steps_of("lr"))]
    best = _best(summary)
    return [
        _card("Loss", _with_smooth(loss), end, marks, about=_about_loss(loss)),
        _card("AP on val", scores, end, marks, text=_score, about=_last(scores, _score), star=best),
        _card("Parts of the loss, smoothed", parts, end, marks, about=_last(parts, figure)),
        _card("AP on val by size of objects", sizes, end, marks, text=_score, about=_last(sizes, _score)),
        _card("Learning rate", rates, end, marks, about=_about_rate(rates[0].points)),
        _card("Gradient norm", _with_smooth(norm), end, marks, about=_about_norm(norm)),
    ]


def pace_cards(records: Records, end: int, marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """Speed, waiting and memory."""
    speed, wait, memory = (records.timing_of(name) for name in ("images_per_second", "data_wait_share", "memory_gb"))
    level = (MOST_WAIT, f"{100 * MOST_WAIT:.0f} %") if wait else None
    return [
        _card("Images a second", _with_smooth(speed), end, marks, small=True, about=_about_speed(speed)),
        _card(
            "Waiting for data", _with_smooth(wait), end, marks, small=True, text=_share,
            tick=_share, about=_about_wait(wait), level=level,
        ),
        _card(
            "Memory in GB", [Curve("memory", memory)], end, marks, small=True, text=_gigabytes,
            about=_about_memory(memory),
        ),
    ]  # fmt: skip


def _card(
    title: str,
    curves: Sequence[Curve],
    end: int,
    marks: Sequence[Mark],
    *,
    about: str,
    text: Callable[[float], str] = figure,
    tick: Callable[[float], str] = figure,
    small: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """What page.html shows of a card; nothing is drawn where no curve has a point."""
    shown = [curve for curve in curves if curve.points]
    if not shown:
        return {"title": title, "drawing": "", "legend": [], "about": "", "table": None}
    plot = Plot(title, curves, end, marks, text, tick, SMALL if small else WIDE, **more)
    most, above = ceiling(shown)
    if above:
        highest = max(y for curve in shown for _, y in curve.points)
        about += f" {counted(above, 'value')} above {text(most)} cut off in the chart, the highest {text(highest)}."
    named = [curve for curve in shown if not curve.is_faint]
    legend = [(colour_of(curve, curves), curve.name) for curve in named] if len(shown) > 1 else []
    if len(shown) > len(named):
        legend = [("s0 faint", shown[0].name), *legend]
    return {"title": title, "drawing": draw(plot), "legend": legend, "about": about, "table": table(shown, text)}


def _with_smooth(series: Sequence[Point]) -> list[Curve]:
    """The series and its smoothed line; the series alone where it is short."""
    smooth = smoothed(series)
    return [Curve("as it was", series, is_faint=True), Curve("smoothed", smooth)] if smooth != series else [
        Curve("value", series)
    ]  # fmt: skip


def _best(summary: TrainSummary) -> tuple[Point, str] | None:
    if summary.best_ap is None or summary.best_iteration is None:
        return None
    return (float(summary.best_iteration), summary.best_ap), f"best {_score(summary.best_ap)}"


def _last(curves: Sequence[Curve], text: Callable[[float], str]) -> str:
    ends = [f"{curve.name} {text(curve.points[-1][1])}" for curve in curves if curve.points]
    return f"Last: {joined(ends)}." if ends else ""


def _about_loss(loss: Sequence[Point]) -> str:
    if not loss:
        return ""
    smooth = smoothed(loss)
    place, least = min(smooth, key=lambda point: (point[1], -point[0]))
    lowest = "" if place == smooth[-1][0] else f" The lowest was {figure(least)}, around iteration {number(place)}."
    return f"From {figure(loss[0][1])} to {figure(smooth[-1][1])}.{lowest}"


def _about_rate(rates: Sequence[Point]) -> str:
    if not rates:
        return ""
    return f"At most {figure(max(y for _, y in rates))}, now {figure(rates[-1][1])}."


def _about_norm(norms: Sequence[Point]) -> str:
    if not norms:
        return ""
    place, most = max(norms, key=lambda point: point[1])
    return f"The median is {figure(median(y for _, y in norms))}, the largest {figure(most)} at {number(place)}."


def _about_speed(speed: Sequence[Point]) -> str:
    if not speed:
        return ""
    values = sorted(y for _, y in speed)
    slow = f"; 1 in 20 reports has less than {figure(values[len(values) // 20])}" if len(values) >= 20 else ""
    return f"The median is {figure(median(values))}{slow}."


def _about_wait(wait: Sequence[Point]) -> str:
    if not wait:
        return ""
    many = sum(y > MOST_WAIT for _, y in wait) / len(wait)
    middle = percent(median(y for _, y in wait))
    return f"The median is {middle}; {percent(many)} of the reports are above {_share(MOST_WAIT)}."


def _about_memory(memory: Sequence[Point]) -> str:
    return f"At most {_gigabytes(max(y for _, y in memory))}." if memory else ""


def _score(value: float) -> str:
    return f"{value:.3f}"


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _gigabytes(value: float) -> str:
    return f"{value:.3g} GB"
