"""How long an image takes, and where the time of the evaluation went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.report.track import Track
from sparseinst.evaluation.report.values import milliseconds, part, real, text
from sparseinst.pages.words import duration, number, percent

_SHARES = {"p50": ("p50", "half of the images"), "p90": ("p90", "9 of 10"), "p99": ("p99", "99 of 100")}
_STAGES = {
    "read": "files, and decoding them",
    "predict": "the model, from pixels to masks",
    "encode": "masks to RLE",
    "score": "comparing masks with the truth",
    "analyse": "errors, slices, costly images",
}


def latency_tracks(metrics: Mapping[str, Any]) -> list[Track]:
    """How long one image alone takes, from pixels to masks; empty where no model ran."""
    latency = part(part(metrics, "speed"), "latency_ms")
    found = [(name, value) for name in _SHARES if (value := real(latency, name)) is not None]
    most = max((value for _, value in found), default=0.0)
    return [
        Track(_SHARES[name][0], milliseconds(value), round(100 * value / most, 2) if most else 0.0, _SHARES[name][1])
        for name, value in found
    ]


def about_speed(metrics: Mapping[str, Any]) -> list[str]:
    """What was measured and on what, in sentences."""
    speed = part(metrics, "speed")
    said = []
    device, size, rate = text(speed, "device"), real(speed, "batch_size"), real(speed, "images_per_second")
    if device:
        said.append(f"Measured on {device}, one image at a time, from pixels to masks in the original size.")
    if rate is not None:
        batches = "" if size is None else f" in batches of {number(size)}"
        said.append(
            f"The whole evaluation{batches} did {number(float(f'{rate:.3g}'))} images a second without reading."
        )
    half, tail = (real(part(speed, "latency_ms"), name) for name in ("p50", "p99"))
    if half and tail and tail > 2 * half:
        said.append(f"One image of a hundred takes more than {tail / half:.1f} times as long as the usual one.")
    return said


def timing_tracks(metrics: Mapping[str, Any]) -> list[Track]:
    """Each stage's seconds and its share of the total; what no stage accounts for is the rest."""
    timing = part(metrics, "timing")
    found = {name: value for name in _STAGES if (value := real(timing, name)) is not None}
    total = real(timing, "total") or sum(found.values())
    if not found or total <= 0:
        return []
    rows = [(name.capitalize(), _STAGES[name], value) for name, value in found.items()]
    rest = total - sum(found.values())
    if rest > 0.01 * total:
        rows.append(("Rest", "opening the model, measuring its latency", rest))
    return [
        Track(name, _seconds(value), round(min(100.0, 100 * value / total), 2), about, (percent(value / total),))
        for name, about, value in rows
    ]


def about_timing(metrics: Mapping[str, Any]) -> str:
    """The total, empty where it is not known."""
    total = real(part(metrics, "timing"), "total")
    return "" if total is None else f"{_seconds(total)} in all."


def _seconds(value: float) -> str:
    return f"{value:.2g}\u202fs" if value < 10 else duration(value)
