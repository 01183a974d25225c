"""Two ways to load a server: clients that wait for their answers, and users who come whenever they like.

Closed loops show what a server can do: a client that waits asks less when the server is slow. Users do not: what waits
grows without end when they are too many.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from sparseinst.serving.refusals import QueueFull, QueueTimeout

_THREADS = 256  # more than any bounded queue here holds, so that nobody waits for a thread


@dataclass(frozen=True)
class Outcome:
    """What came of the requests of one loop.

    Attributes:
        latencies: Milliseconds of each answer; in an open loop from the moment at which its request was due.
        refused: How many the server turned away.
        seconds: From the first request to the last answer.
    """

    latencies: list[float]
    refused: int
    seconds: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentiles(self) -> dict[str, float]:
        return {f"p{point}": round(float(np.percentile(self.latencies, point)), 1) for point in (50, 95, 99)}


def closed_loop(ask: Callable[[], Any], clients: int, seconds: float) -> Outcome:
    """So many threads, each of which calls `ask` again as soon as it has its answer."""
    begin = time.perf_counter()
    latencies: list[list[float]] = [[] for _ in range(clients)]

    def run(mine: list[float]) -> None:
        while (asked := time.perf_counter()) < begin + seconds:
            ask()
            mine.append(1000 * (time.perf_counter() - asked))

    threads = [threading.Thread(target=run, args=(mine,)) for mine in latencies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Outcome([each for mine in latencies for each in mine], 0, time.perf_counter() - begin)


def poisson_times(rate: float, count: int, seed: int) -> list[float]:
    """When requests come: seconds from the start, with exponential gaps, the same for the same seed."""
    draw = random.Random(seed)
    return list(accumulate(draw.expovariate(rate) for _ in range(count)))


def open_loop(ask: Callable[[], Any], times: Sequence[float]) -> Outcome:
    """Calls `ask`, which threads may share, at each of the times, whether or not those before have been answered."""
    begin = time.perf_counter()

    def one(due: float) -> float | None:
        try:
            ask()
        except (QueueFull, QueueTimeout):
            return None
        return 1000 * (time.perf_counter() - begin - due)

    with ThreadPoolExecutor(_THREADS) as pool:
        futures = []
        for due in times:
            time.sleep(max(0.0, begin + due - time.perf_counter()))
            futures.append(pool.submit(one, due))
        results = [future.result() for future in futures]
    latencies = [result for result in results if result is not None]
    return Outcome(latencies, len(results) - len(latencies), time.perf_counter() - begin)
