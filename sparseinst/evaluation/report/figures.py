"""The figures at the head, and COCO's 12 numbers with what each of them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparseinst.evaluation.report.track import Track
from sparseinst.evaluation.report.values import length, milliseconds, numbers, part, real, score, signed, text
from sparseinst.pages.words import joined, number

_PRECISION = {
    "AP": "mean of ten IoU thresholds, 0.50 to 0.95",
    "AP50": "IoU 0.50: the mask is about right",
    "AP75": "IoU 0.75: the mask fits well",
    "APs": "small objects, under 32 × 32 pixels",
    "APm": "medium objects, up to 96 × 96 pixels",
    "APl": "large objects, over 96 × 96 pixels",
}
_RECALL = {
    "AR1": "",
    "AR10": "",
    "AR100": "",
    "ARs": "small objects",
    "ARm": "medium objects",
    "ARl": "large objects",
}
_MAX_DETS = (1.0, 10.0, 100.0)


def tiles(metrics: Mapping[str, Any], comparison: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what, figure, addition) of the tiles at the head."""
    speed = part(metrics, "speed")
    latency, at_worst = (real(part(speed, "latency_ms"), name) for name in ("p50", "p99"))
    rate = real(speed, "images_per_second")
    if rate is None:
        rate = real(part(metrics, "timing"), "images_per_second")
    return [
        ("AP", score(real(metrics, "AP")), _change(comparison, "AP") or "of masks, IoU 0.5 to 0.95"),
        ("AP50", score(real(metrics, "AP50")), _change(comparison, "AP50") or "IoU 0.5"),
        ("AP75", score(real(metrics, "AP75")), "IoU 0.75"),
        ("Recall", score(real(metrics, "AR100")), f"AR, best {number(max_dets(metrics)[-1])}"),
        ("Latency, median", milliseconds(latency), "" if at_worst is None else f"p99 {milliseconds(at_worst)}"),
        ("Images a second", "–" if rate is None else number(float(f"{rate:.3g}")), _batch(speed)),
    ]


def max_dets(metrics: Mapping[str, Any]) -> list[float]:
    """How many detections of an image and a class count; COCO's own where the file does not say."""
    found = [value for value in numbers(metrics, "max_dets") if value is not None]
    return found or list(_MAX_DETS)


def precision_tracks(metrics: Mapping[str, Any]) -> list[Track]:
    """The six numbers of average precision."""
    return [_track(metrics, name, about, "s0") for name, about in _PRECISION.items()]


def recall_tracks(metrics: Mapping[str, Any]) -> list[Track]:
    """The six numbers of average recall. What AR1 and AR10 allow is in the file, whatever their names."""
    allowed = max_dets(metrics)
    places = {"AR1": 0, "AR10": min(1, len(allowed) - 1), "AR100": -1}
    tracks = []
    for name, about in _RECALL.items():
        if name in places:
            most = allowed[places[name]]
            about = "the best detection" if most == 1 else f"the best {number(most)} detections"
        tracks.append(_track(metrics, name, about, "s2"))
    return tracks


def about_undefined(metrics: Mapping[str, Any]) -> list[str]:
    """A sentence for each reason why numbers are undefined."""
    named: dict[str, list[str]] = {}
    for name in (*_PRECISION, *_RECALL):
        reason = text(part(metrics, "undefined"), name)
        if reason and real(metrics, name) is None:
            named.setdefault(reason, []).append(name)
    return [
        f"{joined(names)} {'is' if len(names) == 1 else 'are'} undefined: {reason}." for reason, names in named.items()
    ]


def _track(metrics: Mapping[str, Any], name: str, about: str, colour: str) -> Track:
    value = real(metrics, name)
    if value is None:
        about = text(part(metrics, "undefined"), name) or "not in this file"
    return Track(name, score(value), length(value), about, colour=colour)


def _change(comparison: Mapping[str, Any], name: str) -> str:
    difference = real(part(comparison, name), "difference")
    return "" if difference is None else f"{signed(difference)} to the incumbent"


def _batch(speed: Mapping[str, Any]) -> str:
    size = real(speed, "batch_size")
    return "" if size is None else f"in batches of {number(size)}"


def aps_by_size(metrics: Mapping[str, Any]) -> Sequence[tuple[str, float]]:
    """(size, AP) of the sizes of objects that have one, the lowest AP first."""
    named = (("small", "APs"), ("medium", "APm"), ("large", "APl"))
    found = [(size, value) for size, name in named if (value := real(metrics, name)) is not None]
    return sorted(found, key=lambda pair: pair[1])
