"""One replica's saturation: throughput and waiting against clients, and against what users ask for.

The server's own counters say how long requests waited and were computed, as an autoscaler sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.scaling.loops import closed_loop, open_loop, poisson_times
from sparseinst.serving.drift.scrape import scrape
from sparseinst.serving.stack.state import StackState

_PHASES = ("compute_input", "compute_infer", "compute_output")
_COUNTERS = (
    "nv_inference_request_success",
    "nv_inference_queue_duration_us",
    *(f"nv_inference_{phase}_duration_us" for phase in _PHASES),
)

Rows = list[dict[str, Any]]


def closed(state: StackState, model: str, ask: Callable[[], Any], clients: Sequence[int], seconds: float) -> Rows:
    """A row for each number of clients: answers a second, latencies, and what the server counted."""
    rows = []
    for count in clients:
        before = _counters(state, model)
        found = closed_loop(ask, count, seconds)
        rows.append(
            {"clients": count, "rate": round(found.rate, 2), **found.percentiles()} | _since(before, state, model)
        )
        _tell(rows[-1])
    return rows


def opened(state: StackState, model: str, ask: Callable[[], Any], rates: Sequence[float], seconds: float) -> Rows:
    """A row for each rate at which requests come."""
    rows = []
    for number, rate in enumerate(rates):
        before = _counters(state, model)
        times = poisson_times(rate, round(rate * seconds), seed=number)
        found = open_loop(ask, times)
        row = {
            "offered": round(len(times) / times[-1], 2),
            "rate": round(found.rate, 2),
            "answered": len(found.latencies),
            "refused": found.refused,
            **found.percentiles(),
        }
        rows.append(row | _since(before, state, model))
        _tell(rows[-1])
    return rows


def _counters(state: StackState, model: str) -> dict[str, float]:
    found = scrape(f"http://127.0.0.1:{state.ports['metrics']}/metrics", _COUNTERS)
    return {series.name: value for series, value in found.items() if series.label("model") == model}


def _since(before: dict[str, float], state: StackState, model: str) -> dict[str, float]:
    """Milliseconds that a request waited and was computed, on average."""
    change = {name: value - before.get(name, 0.0) for name, value in _counters(state, model).items()}
    requests = max(change["nv_inference_request_success"], 1.0)
    computed = sum(change[f"nv_inference_{phase}_duration_us"] for phase in _PHASES)
    return {
        "queue_ms": round(change["nv_inference_queue_duration_us"] / requests / 1000, 2),
        "compute_ms": round(computed / requests / 1000, 2),
    }


def _tell(row: dict[str, Any]) -> None:
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
