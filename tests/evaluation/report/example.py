"""What an evaluation could have said about a model of many classes, with texts that try to be more than texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

NASTY = "<script>window.taken = 1</script>\u2028\"' onmouseover='window.taken = 2' | **&"
NAMES = ("person", "car", "dog", "bicycle", "bench", "handbag", "toaster", "hair drier", NASTY, "kite", "unseen")
PICTURED = ("000000000139.jpg", f"val/{NASTY}.jpg", "000000000285.jpg")


def metrics(names: Sequence[str] = NAMES, **changed: Any) -> dict[str, Any]:
    """The content of metrics.json; every part is there."""
    curves = _curves()
    return {
        "schema": "sparseinst.metrics/2",
        "AP": 0.353,
        "AP50": 0.561,
        "AP75": 0.369,
        "APs": 0.142,
        "APm": 0.386,
        "APl": 0.558,
        "AR1": 0.301,
        "AR10": 0.452,
        "AR100": 0.471,
        "ARs": None,
        "ARm": 0.52,
        "ARl": 0.67,
        "undefined": {"ARs": "the truth has no object with an area under 32 x 32 pixels (crowd regions do not count)"},
        "max_dets": [1, 10, 100],
        "engine": {"name": "hotcoco", "version": "1.3.0"},
        "images": 5000,
        "instances": 36335,
        "crowds": 446,
        "detections": 402113,
        "per_class": {name: _class(place, len(names)) for place, name in enumerate(names)},
        "curves": curves,
        "best": {"score": 0.42, "f1": 0.56, "precision": 0.63, "recall": 0.504},
        "slices": _SLICES,
        "worst_slice": _SLICES[3],
        "errors": {"AP50": 0.561, "kinds": _KINDS},
        "calibration": {"ece": 0.113, "bins": _bins()},
        "costly_images": _costly(),
        "confusion": {
            "names": ["person", "car", NASTY, "other classes", "background"],
            "counts": [[90, 1, 0, 2, 31], [0, 45, 9, 0, 12], [1, 7, 20, 0, 11], [0, 0, 0, 3, 4], [22, 15, 6, 8, 0]],
            "score": 0.42,
        },
        "speed": {
            "latency_ms": {"p50": 23.4, "p90": 27.9, "p99": 61.2},
            "images_per_second": 118.25,
            "batch_size": 16,
            "device": "NVIDIA H100",
        },
        "timing": {
            "read": 12.1,
            "predict": 42.3,
            "encode": 9.8,
            "score": 3.1,
            "analyse": 21.7,
            "total": 96.4,
            "images_per_second": 51.9,
        },
        "notes": [{"code": "MANY-OBJECTS", "text": f"3 images have more than 100 objects of a class {NASTY}."}],
        "model": {
            "source": "runs/a/train/checkpoint.pt",
            "name": "sparse_inst_r50_giam",
            "checkpoint_sha256": "ab" * 32,
        },
        "dataset": "cd" * 32,
        "split": "val",
        **changed,
    }


def comparison(names: Sequence[str] = NAMES, **changed: Any) -> dict[str, Any]:
    """The candidate is surely better, but one class fell."""
    classes = {
        name: {"candidate": 0.3, "incumbent": 0.3 - change, "difference": change, "instances": 200 if place else 5}
        | ({"low": change - 0.03, "high": change + 0.03} if place % 2 else {"low": None, "high": None})
        for place, name in enumerate(names)
        if (change := round(0.06 * math.sin(2.1 * place), 4))
    }
    ap = {"candidate": 0.353, "incumbent": 0.341, "difference": 0.012, "low": 0.004, "high": 0.021}
    resampled = {"confidence": 0.95, "resamples": 1000, "p_worse": 0.004}
    return {
        "schema": "sparseinst.comparison/1",
        "incumbent": {"name": NASTY, "source": "runs/before/train/checkpoint.pt"},
        "AP": {**ap, **resampled},
        "AP50": {**ap, "candidate": 0.561, "incumbent": 0.554, "difference": 0.007, "low": -0.005, **resampled},
        "per_class": classes,
        "slices": [
            {"by": "tag", "name": NASTY, "candidate": 0.2, "incumbent": 0.25, "difference": -0.05, "instances": 90},
            {"by": "crowding", "name": "0-2", "candidate": 0.5, "incumbent": 0.49, "difference": 0.01},
        ],
        **changed,
    }


def _slice(by: str, name: str, images: int, instances: int, ap: float | None) -> dict[str, Any]:
    ap50 = None if ap is None else round(min(1.0, 1.55 * ap), 3)
    return {"by": by, "name": name, "images": images, "instances": instances, "AP": ap, "AP50": ap50}


_SLICES = [
    _slice("crowding", "0-2", 1020, 1711, 0.512),
    _slice("crowding", "3-9", 2704, 12730, 0.441),
    _slice("crowding", "10-29", 1176, 16109, 0.344),
    _slice("crowding", "30-99", 100, 5785, 0.221),
    _slice("tag", "night", 212, 1409, 0.267),
    _slice("tag", NASTY, 40, 120, 0.309),
    _slice("tag", "empty", 12, 0, None),
]
_KINDS = {
    "classification": {"count": 5120, "AP50_lost": 0.061},
    "localisation": {"count": 9011, "AP50_lost": 0.083},
    "both": {"count": 3010, "AP50_lost": 0.012},
    "duplicate": {"count": 210, "AP50_lost": 0.002},
    "background": {"count": 21040, "AP50_lost": 0.041},
    "missed": {"count": 8211, "AP50_lost": 0.118},
}


def _class(place: int, classes: int) -> dict[str, Any]:
    """The first is found best, the last but one never, the last has no object."""
    share = place / max(1, classes - 2)
    ap = None if place == classes - 1 and classes > 1 else round(0.74 * max(0.0, 1 - share) ** 1.1, 4)
    objects = 0 if ap is None else max(4, round(11000 * math.exp(-5.5 * share + math.sin(5.3 * place))))
    best = {"score": round(0.3 + 0.3 * (1 - share), 2), "f1": 0.6, "precision": 0.7, "recall": 0.52}
    return {
        "AP": ap,
        "AP50": None if ap is None else round(min(1.0, 1.5 * ap), 4),
        "AP75": ap,
        "AR": None if ap is None else round(min(1.0, ap + 0.11), 4),
        "instances": objects,
        "detections": 4 * objects + 17,
        "best": best if ap else None,
    }


def _curves() -> dict[str, list[float]]:
    thresholds = [round(step / 100, 2) for step in range(101)]
    recall = [0.0 if t > 0.97 else round(0.79 * (1 - t**1.6) * (1 - 0.35 * t), 4) for t in thresholds]
    precision = [1.0 if t > 0.97 else round(0.06 + 0.9 * t**0.55, 4) for t in thresholds]
    return {"thresholds": thresholds, "precision": precision, "recall": recall}


def _bins() -> list[dict[str, Any]]:
    bins = []
    for step in range(10):
        low, high = step / 10, (step + 1) / 10
        count = (200_000, 91_000, 42_000, 21_000, 12_000, 8200, 6100, 5200, 4000, 12)[step]
        bins.append({"low": low, "high": high, "count": count, "score": low + 0.05, "precision": (low + 0.05) ** 1.5})
    return [*bins[:9], {**bins[9], "count": 0, "score": None, "precision": None}]


def _costly() -> list[dict[str, Any]]:
    others = [f"{number:012d}.jpg" for number in range(400, 408)]
    return [
        {"image_id": n, "file_name": name, "AP_lost": 0.0021 / n, "missed": 17 - n, "false": 3 * n}
        for n, name in enumerate([*PICTURED, *others], 1)
    ]
