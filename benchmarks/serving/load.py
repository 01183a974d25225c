"""Closed loops: so many workers, each asking again as soon as it has its answer."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.serving.client import TritonClient


@dataclass(frozen=True)
class Load:
    """Images a second, and the latencies of single answers in milliseconds."""

    rate: float
    latencies: list[float]

    def percentiles(self) -> dict[str, float]:
        return {f"p{point}": round(float(np.percentile(self.latencies, point)), 1) for point in (50, 95, 99)}


def clients(url: str, model: str, count: int, image: NDArray[np.uint8], outputs: list[str], seconds: float) -> Load:
    """`count` gRPC clients, a connection and a thread each, ask for one image at a time."""
    with ExitStack() as stack:
        connected = [stack.enter_context(TritonClient(url, model, timeout_s=600)) for _ in range(count)]

        def asking(client: TritonClient) -> Callable[[], Any]:
            return lambda: client.infer(image, outputs)

        return _loops([asking(client) for client in connected], seconds)


def in_process(model: Path, workers: int, threads: int, image: NDArray[np.uint8], seconds: float) -> Load:
    """`workers` processes, each with the TorchScript file and so many of torch's threads."""
    context = multiprocessing.get_context("spawn")
    ready, results = context.Barrier(workers), context.Queue()
    processes = [
        context.Process(target=_work, args=(model, threads, image, seconds, ready, results)) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    latencies = [results.get() for _ in processes]
    for process in processes:
        process.join()
    # Nobody waits for another one here: each worker's rate is over the time that it took.
    rate = sum(len(some) / (sum(some) / 1000) for some in latencies)
    return Load(rate, [latency for some in latencies for latency in some])


def _work(model: Path, threads: int, image: NDArray[np.uint8], seconds: float, ready: Any, results: Any) -> None:
    import torch

    from sparseinst.export.torchscript import load_script

    torch.set_num_threads(threads)
    scripted, _ = load_script(model)
    batch = torch.from_numpy(image)
    with torch.inference_mode():
        for _ in range(3):
            scripted(batch)
        ready.wait()
        results.put(_loop(lambda: scripted(batch), time.perf_counter() + seconds))


def _loops(asks: list[Callable[[], Any]], seconds: float) -> Load:
    end = time.perf_counter() + seconds
    latencies: list[list[float]] = [[] for _ in asks]

    def run(place: int) -> None:
        latencies[place] = _loop(asks[place], end)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(asks))]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = [latency for some in latencies for latency in some]
    # The server had work from the first request to the last answer. Single latencies would say more than it did: those
    # of the first requests are short, because nobody waits before them.
    return Load(len(answers) / (time.perf_counter() - begin), answers)


def _loop(ask: Callable[[], Any], end: float) -> list[float]:
    """Milliseconds of each answer; the last one may come after `end`."""
    latencies: list[float] = []
    while time.perf_counter() < end:
        begin = time.perf_counter()
        ask()
        latencies.append(1000 * (time.perf_counter() - begin))
    return latencies
