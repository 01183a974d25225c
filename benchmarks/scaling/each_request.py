"""Replicas that serve each request of a random stream, so that chance is in what they count, as it is in Triton's."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable

from benchmarks.scaling.autoscaler import PERIOD_S
from benchmarks.scaling.counters import Rates, Replica

Request = tuple[float, float]  # when it comes, and seconds that it is computed for


class EachRequest:
    """Requests come at random times and go to any of the replicas that serve, as chance has it.

    Args:
        replica: How each of them is.
        seed: Of chance.
    """

    def __init__(self, replica: Replica, seed: int) -> None:
        self._replica = replica
        self._draw = random.Random(seed)
        self._now = 0.0
        self._lines: list[_Line] = []

    def serve(self, load: float, replicas: int) -> list[Rates]:
        self._lines = [*self._lines, *(_Line(self._replica) for _ in range(len(self._lines), replicas))][:replicas]
        until = self._now + PERIOD_S
        coming: list[list[Request]] = [[] for _ in self._lines]
        rate = load * self._replica.capacity
        at = self._now + self._draw.expovariate(rate)
        while at < until:
            coming[self._draw.randrange(replicas)].append((at, self._work()))
            at += self._draw.expovariate(rate)
        self._now = until
        return [line.serve(requests, until) for line, requests in zip(self._lines, coming, strict=True)]

    def _work(self) -> float:
        spread, seconds = self._replica.spread, self._replica.compute_s
        return self._draw.gammavariate(1 / spread, spread * seconds) if spread else seconds


class _Line:
    """One replica: instances that share its executors evenly, and who waits for one."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._now = 0.0
        self._inside: list[list[float]] = []  # seconds to compute, and when it came and began
        self._waiting: deque[Request] = deque()

    def serve(self, requests: Iterable[Request], until: float) -> Rates:
        """What it counts of those that are answered by then."""
        answered: list[tuple[float, float]] = []
        for request in requests:
            self._run(request[0], answered)
            self._waiting.append(request)
            self._begin()
        self._run(until, answered)
        waited, computed = (sum(each) / PERIOD_S for each in zip(*answered, strict=True)) if answered else (0.0, 0.0)
        return Rates(len(answered) / PERIOD_S, waited, computed)

    def _run(self, until: float, answered: list[tuple[float, float]]) -> None:
        """Goes on until then; says of who is answered how long it waited and was computed."""
        while self._inside:
            speed = min(1.0, self._replica.executors / len(self._inside))
            first = min(self._inside)
            end = self._now + first[0] / speed
            done = min(end, until)
            for each in self._inside:
                each[0] -= (done - self._now) * speed
            self._now = done
            if end > until:
                break
            self._inside.remove(first)
            answered.append((first[2] - first[1], done - first[2]))
            self._begin()
        self._now = max(self._now, until)

    def _begin(self) -> None:
        while self._waiting and len(self._inside) < self._replica.instances:
            came, work = self._waiting.popleft()
            if self._now - came <= self._replica.patience_s:  # or it is refused
                self._inside.append([work, came, self._now])
