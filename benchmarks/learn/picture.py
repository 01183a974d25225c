"""The course of a run as an SVG: the loss above, the mask AP below, over iterations and minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.learn.curve import Curve, Point

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT = 60, 670
_LOSS_TOP, _LOSS_BOTTOM = 50, 195
_AP_TOP, _AP_BOTTOM = 225, 370
_LOSS_COLOUR, _AP_COLOUR, _GREY = "#b03a2e", "#1f618d", "#888888"


def draw(curve: Curve, title: str, wanted: float) -> str:
    """The SVG's text.

    Args:
        curve: What to draw; a single evaluation becomes a dot.
        title: Stands above it.
        wanted: The AP that has to be reached, a dashed line.
    """
    last = max([point.iteration for point in (*curve.loss, *curve.ap)], default=1) or 1
    x = _Axis(0, last, _LEFT, _RIGHT)
    most = max([point.value for point in curve.loss], default=1.0)
    least = min([point.value for point in curve.loss], default=0.1)
    loss = _Axis(math.log10(least), math.log10(max(most, 1.01 * least)), _LOSS_BOTTOM, _LOSS_TOP)
    best = max(wanted, *(point.value for point in curve.ap)) if curve.ap else wanted
    top = next(limit for limit in (0.2, 0.4, 1.0) if best <= 0.95 * limit or limit == 1)
    ap = _Axis(0, top, _AP_BOTTOM, _AP_TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, title, size=15),
        _text(_LEFT, _LOSS_TOP - 8, "loss (logarithmic)", colour=_LOSS_COLOUR),
        _text(_LEFT, _AP_TOP - 8, "mask AP", colour=_AP_COLOUR),
        *_loss_grid(loss, least, most),
        *(_grid_line(ap(tick), f"{tick:g}") for tick in (0, top / 4, top / 2, 0.75 * top, top)),
        f'<path d="M{_LEFT} {ap(wanted):.1f}H{_RIGHT}" stroke="{_AP_COLOUR}" stroke-dasharray="5 4"/>',
        _text(_LEFT + 4, ap(wanted) - 4, f"wanted {wanted:g}", colour=_AP_COLOUR),
        *_time_axis(x, last, curve.loss or curve.ap),
        _line([(x(point.iteration), loss(math.log10(point.value))) for point in curve.loss], _LOSS_COLOUR),
        _line([(x(point.iteration), ap(point.value)) for point in curve.ap], _AP_COLOUR),
        *(_dot(x(point.iteration), ap(point.value)) for point in curve.ap),
    ]
    if curve.ap:
        end = curve.ap[-1]
        parts.append(_text(x(end.iteration), ap(end.value) - 8, f"{end.value:.3f}", colour=_AP_COLOUR, anchor="end"))
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """Values to pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.scale, self.start = low, (end - start) / (high - low), start

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) * self.scale


def _loss_grid(axis: _Axis, least: float, most: float) -> list[str]:
    """Lines at 1, 2 and 5 times the powers of ten."""
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    return [_grid_line(axis(math.log10(tick)), f"{tick:g}") for tick in ticks if least <= tick <= most]


def _grid_line(y: float, label: str) -> str:
    line = f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="#dddddd"/>'
    return line + _text(_LEFT - 6, y + 4, label, colour=_GREY, anchor="end")


def _time_axis(axis: _Axis, last: int, points: Sequence[Point]) -> list[str]:
    """Some five iterations, each with the minutes of the point that is nearest, where they are known."""
    step = _round_step(last / 5)
    parts = []
    for iteration in range(0, last + 1, step):
        label = f"{iteration}"
        nearest = min(points, key=lambda point: abs(point.iteration - iteration), default=None)
        if iteration and nearest and nearest.minutes is not None:
            label += f" ({nearest.minutes * iteration / nearest.iteration:.1f} min)"
        parts.append(_text(axis(iteration), _AP_BOTTOM + 18, label, colour=_GREY, anchor="middle"))
    return [*parts, _text(_LEFT, _AP_BOTTOM + 38, "iterations", colour=_GREY)]


def _round_step(rough: float) -> int:
    power = 10 ** math.floor(math.log10(max(rough, 1)))
    return next(int(step * power) for step in (1, 2, 5, 10) if step * power >= rough)


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_AP_COLOUR}"/>'


def _text(x: float, y: float, text: str, *, colour: str = "#222222", anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
    )
