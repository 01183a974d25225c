"""Whether scores mean what they say: a score of 0.8 should be right in 8 of 10 cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.report.card import Card
from sparseinst.evaluation.report.values import count, listed, part, real, score
from sparseinst.pages.svg import Frame, chart, element, even_ticks
from sparseinst.pages.words import counted, joined, number, percent

FEW = 20  # detections; the share of fewer says little
_HONEST = 0.05  # difference of score and precision up to which scores are called honest


@dataclass(frozen=True, slots=True)
class Bin:
    """Detections with scores from `low` to `high`: how many, their mean score, and the share that is right."""

    low: float
    high: float
    count: int
    score: float
    precision: float


def bins(metrics: Mapping[str, Any]) -> list[Bin]:
    """Those that have detections."""
    found = []
    for entry in listed(part(metrics, "calibration"), "bins"):
        low, high, mean, right = (real(entry, name) for name in ("low", "high", "score", "precision"))
        many = count(entry, "count")
        if many and low is not None and high is not None and mean is not None and right is not None:
            found.append(Bin(low, high, many, mean, right))
    return found


def about_calibration(metrics: Mapping[str, Any]) -> tuple[str, str] | None:
    """("good" or "note", a sentence); None where nothing was measured."""
    found = bins(metrics)
    if not found:
        return None
    total = sum(each.count for each in found)
    mean = sum(each.count * each.score for each in found) / total
    right = sum(each.count * each.precision for each in found) / total
    ece = real(part(metrics, "calibration"), "ece")
    error = "" if ece is None else f"; the expected calibration error is {score(ece)}"
    said = f"a detection scores {mean:.2f} on average, and {percent(right)} of them are right{error}"
    told = [each for each in found if each.count >= FEW]
    high = [each for each in told if each.score - each.precision > _HONEST]
    low = [each for each in told if each.precision - each.score > _HONEST]
    if high and low:
        return "note", f"Scores from {_ranges(high)} promise too much, those from {_ranges(low)} too little: {said}."
    if high:
        return "note", f"The model is overconfident: {said}. Take thresholds from the curves, not from the scores."
    if low:
        return "note", f"The model is underconfident: {said}. It is right more often than its scores say."
    return "good", f"Scores mean what they say: {said}."


def _ranges(found: Sequence[Bin]) -> str:
    """As "0.1 to 0.4"; bins that touch are one range."""
    ends: list[list[float]] = []
    for each in found:
        if ends and each.low - ends[-1][1] < 1e-6:
            ends[-1][1] = each.high
        else:
            ends.append([each.low, each.high])
    return joined([f"{low:g} to {high:g}" for low, high in ends])


def calibration_card(metrics: Mapping[str, Any]) -> Card:
    """The reliability diagram: bars on the diagonal are honest, below it overconfident, above it underconfident."""
    found = bins(metrics)
    said = about_calibration(metrics)
    if not found or said is None:
        return Card("Calibration")
    rows = [
        (f"{each.low:.2f} to {each.high:.2f}", number(each.count), score(each.score), score(each.precision))
        for each in found
    ]
    table = {"head": ["scores", "detections", "mean score", "right"], "rows": rows}
    return Card("Calibration", _diagram(found), said[1], table, [("s0 block", "right"), ("dash", "as scores promise")])


def _diagram(found: list[Bin]) -> str:
    frame = Frame(1.0, 1.0)
    ticks = [(tick, f"{tick:g}") for tick in even_ticks(1.0)]
    bars = "".join(_bar(frame, each) for each in found)
    diagonal = element("line", class_="guide", x1=frame.x(0), y1=frame.y(0), x2=frame.x(1), y2=frame.y(1))
    tips = (frame.hit(each.low, each.high, _tip(each)) for each in found)
    return chart(
        "Reliability diagram: for each range of scores the share of detections that are right, against the diagonal; "
        "the figures are in the table below.",
        frame.rows(ticks),
        bars,
        diagonal,
        frame.columns(ticks, "score (upwards: share that is right)"),
        *tips,
    )


def _bar(frame: Frame, each: Bin) -> str:
    left, right, top = frame.x(each.low), frame.x(each.high), frame.y(each.precision)
    faint = " few" if each.count < FEW else ""
    bar = element(
        "rect", class_=f"fill s0{faint}", x=left + 1, y=top, width=right - left - 2, height=frame.ground - top
    )
    return bar + element("circle", class_="point s0", cx=frame.x(each.score), cy=top, r=2.6)


def _tip(each: Bin) -> str:
    few = "\ntoo few to say much" if each.count < FEW else ""
    return (
        f"scores from {each.low:.2f} to {each.high:.2f}: {counted(each.count, 'detection')}\n"
        f"mean score {each.score:.3f}, right {percent(each.precision)}{few}"
    )
