"""The measured saturation of a replica as an SVG: the wait in the queue against how busy it is, beside the formulas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from benchmarks.scaling.queueing import mean_wait

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 690, 52, 300
_LEAST_MS, _MOST_MS = 0.1, 1000.0
_COLOURS = {"pauses alike": "#1f618d", "pauses random": "#b03a2e"}
SPREADS = {"pauses alike": 0.0, "pauses random": 1.0}
_WORDS = {"pauses alike": "all of the same length", "pauses random": "of random lengths"}
_GREY = "#888888"

Point = tuple[float, float]


def draw(figures: Mapping[str, Any]) -> str:
    """The SVG's text, of the JSON that `measure` wrote."""
    first = figures["pauses alike"]
    title = (
        f"One replica, {first['executors']} executors that pause for {first['pause_ms']} ms in place of computing: "
        "wait in Triton's queue"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, title, size=14),
        _text(_LEFT, _TOP - 10, "average wait, ms (logarithmic); lines: formula, dots: measured", colour=_GREY),
        *(_grid(wait) for wait in (0.1, 1, 10, 100, 1000)),
        *(_text(_x(busy), _BOTTOM + 18, f"{100 * busy:.0f} %", colour=_GREY, anchor="middle") for busy in _tenths()),
        _text(_LEFT, _BOTTOM + 38, "requests that come, as a share of what the executors can do", colour=_GREY),
    ]
    for number, (name, colour) in enumerate(_COLOURS.items()):
        found = figures[name]
        parts.append(_line(_formula(found, SPREADS[name]), colour))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in _measured(found)]
        parts.append(_text(_LEFT + 12, _TOP + 18 + 18 * number, f"pauses {_WORDS[name]}", colour=colour))
    return "\n".join([*parts, "</svg>", ""])


def busy_of(row: Mapping[str, Any], executors: int) -> float:
    """How busy the executors would be if all that came were answered."""
    return float(row["offered"] * row["compute_ms"] / 1000 / executors)


def _measured(found: Mapping[str, Any]) -> Iterable[Point]:
    for row in found["open"]:
        busy = busy_of(row, found["executors"])
        if busy < _tenths()[-1]:
            yield _x(busy), _y(row["queue_ms"])


def _formula(found: Mapping[str, Any], spread: float) -> Sequence[Point]:
    executors = found["executors"]
    compute_ms = sum(row["compute_ms"] for row in found["open"]) / len(found["open"])
    shares = [number / 200 for number in range(20, 200)]
    waits = [(busy, compute_ms * mean_wait(executors, busy, spread)) for busy in shares]
    return [(_x(busy), _y(wait)) for busy, wait in waits if _LEAST_MS <= wait <= _MOST_MS]


def _tenths() -> list[float]:
    return [number / 10 for number in range(2, 13, 2)]


def _x(busy: float) -> float:
    return _LEFT + busy / 1.2 * (_RIGHT - _LEFT)


def _y(wait_ms: float) -> float:
    share = math.log(max(wait_ms, _LEAST_MS) / _LEAST_MS) / math.log(_MOST_MS / _LEAST_MS)
    return _BOTTOM - min(share, 1.0) * (_BOTTOM - _TOP)


def _grid(wait_ms: float) -> str:
    y = _y(wait_ms)
    label = _text(_LEFT - 6, y + 4, f"{wait_ms:g}", colour=_GREY, anchor="end")
    return f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="#dddddd"/>{label}'


def _line(points: Iterable[Point], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _text(x: float, y: float, text: str, *, colour: str = "#222222", anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
    )
