"""Metrics as `sparseinst evaluate` writes them, as far as the gate reads them."""

from __future__ import annotations

from typing import Any

SCHEMA = "sparseinst.metrics/2"


def metrics(ap: Any = 0.6, **changes: Any) -> dict[str, Any]:
    """Two classes and one slice, all with the AP of the whole; `changes` go over it."""
    told = {
        "schema": SCHEMA,
        "AP": ap,
        "dataset": "d" * 64,
        "max_dets": [1, 10, 100],
        "per_class": {"disc": {"AP": ap, "instances": 50}, "ring": {"AP": ap, "instances": 50}},
        "slices": [{"by": "crowding", "name": "crowded", "images": 9, "instances": 40, "AP": ap, "AP50": ap}],
        "speed": {"latency_ms": {"p50": 20.0, "p90": 30.0, "p99": 50.0}, "device": "cpu"},
    }
    return {**told, **changes}


def comparison(now: float, before: float, low: float, high: float) -> dict[str, Any]:
    """What the paired bootstrap says; classes and slices have the AP of the whole."""
    pair = {"candidate": now, "incumbent": before, "difference": now - before}
    return {
        "AP": {**pair, "low": low, "high": high, "confidence": 0.95, "resamples": 1000, "p_worse": 0.5},
        "per_class": {name: {**pair, "instances": 50} for name in ("disc", "ring")},
        "slices": [{"by": "crowding", "name": "crowded", **pair, "instances": 40}],
        "dataset": "d" * 64,
    }


def outcomes(verdict: Any) -> dict[str, str]:
    """Check to outcome."""
    return {reason.check: reason.outcome for reason in verdict.reasons}


def text(verdict: Any, check: str) -> str:
    """What a check says."""
    (found,) = [reason.text for reason in verdict.reasons if reason.check == check]
    return str(found)
