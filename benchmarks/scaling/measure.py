"""What is measured here for docs/scaling.md."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.device import describe
from benchmarks.picture import picture
from benchmarks.scaling.bucket import measure_bucket
from benchmarks.scaling.packing import measure_packing
from benchmarks.scaling.paused import NAME as PAUSED
from benchmarks.scaling.paused import write_paused
from benchmarks.scaling.replica import closed, opened
from benchmarks.serving import load
from benchmarks.serving.model import NAME as SERVED
from benchmarks.serving.model import Setting, write_repository
from benchmarks.serving.server import server
from sparseinst.export.contract import COMPACT_REPLY
from sparseinst.files import write_json
from sparseinst.serving.connection import Connection

_SIDE = 144  # of the sample set's pictures
_EXECUTORS = 2
_PAUSE_MS = 22.4  # the published speed of ResNet-50 G-IAM, 44.6 images a second
_WAITING = 64  # as the export configures it
_CLIENTS = (1, 2, 3, 4, 8, 16, 32, 64)
_BUSY = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.1)
_SAMPLE_CLIENTS = (1, 2, 3, 4, 8, 16, 32)
_TIMEOUT_S = 600.0


def measure(path: Path, seconds: float, parts: Sequence[str]) -> None:
    """Measures these parts; the JSON file keeps what it has of others.

    Args:
        path: The file.
        seconds: Of each load.
        parts: Some of PARTS.
    """
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    figures |= {"device": describe(torch.device("cpu")), "cores": len(os.sched_getaffinity(0))}
    for part in parts:
        print(f"\n{part}")
        figures[part] = PARTS[part](seconds)
        write_json(path, figures)


def _paused(seconds: float, *, is_random: bool) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        repository = Path(folder) / "models"
        write_paused(repository, _PAUSE_MS, _EXECUTORS, is_random=is_random, waiting=_WAITING)
        capacity = 1000 * _EXECUTORS / _PAUSE_MS
        image = picture(_SIDE, _SIDE).numpy()
        with (
            server(repository, Path(folder) / "server") as state,
            Connection(state.triton_url, timeout_s=_TIMEOUT_S, key=state.triton_key) as connection,
        ):
            connection.load(PAUSED)

            def ask() -> Any:
                return connection.infer(PAUSED, "", {"image": image}, ["scores"])

            return {
                "seconds": seconds,
                "executors": _EXECUTORS,
                "pause_ms": _PAUSE_MS,
                "closed": closed(state, PAUSED, ask, _CLIENTS, seconds / 4),
                "open": opened(state, PAUSED, ask, [busy * capacity for busy in _BUSY], seconds),
            }


def _sample(seconds: float) -> dict[str, Any]:
    """One thread for each executor. The machine's own speed is taken before and after: others may use it as well."""
    with TemporaryDirectory() as folder:
        repository = write_repository(Path(folder) / "models", "sample")
        repository.configure(Setting(_EXECUTORS, 1, 1))
        batch = picture(_SIDE, _SIDE)[None].numpy()
        with (
            server(repository.folder, Path(folder) / "server") as state,
            Connection(state.triton_url, timeout_s=_TIMEOUT_S, key=state.triton_key) as connection,
        ):
            connection.load(SERVED)

            def ask() -> Any:
                return connection.infer(SERVED, "", {"image": batch}, list(COMPACT_REPLY))

            closed(state, SERVED, ask, [2 * _EXECUTORS], 3)  # warms up
            alone = [load.in_process(repository.model, _EXECUTORS, 1, batch, seconds).rate]
            rows = closed(state, SERVED, ask, _SAMPLE_CLIENTS, seconds)
            alone.append(load.in_process(repository.model, _EXECUTORS, 1, batch, seconds).rate)
    return {"seconds": seconds, "executors": _EXECUTORS, "alone": [round(rate, 2) for rate in alone], "closed": rows}


PARTS: Mapping[str, Callable[[float], dict[str, Any]]] = {
    "pauses alike": partial(_paused, is_random=False),
    "pauses random": partial(_paused, is_random=True),
    "sample network": _sample,
    "packing": lambda _: measure_packing(),
    "bucket": lambda _: measure_bucket(),
}
