"""What becomes of the replicas under loads that stay, jump and swing, when the autoscaler has its way.

Loads are in replicas that they would keep busy all the time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from benchmarks.scaling.autoscaler import PERIOD_S, Autoscaler, Fleet
from benchmarks.scaling.counters import Rates, Replica, expected_rates, mean_rates

LATE = 4.5  # a wait of so many computing times: 0.1 s of a replica that answers in 22.4 ms

_MINUTE = 60 // PERIOD_S  # over which the metrics are averages

Load = Callable[[float], float]  # of seconds from the beginning


class Server(Protocol):
    """Something that counts as a replica would."""

    def serve(self, load: float, replicas: int) -> list[Rates]:
        """What each replica counts while this load comes for the next period."""


class ByFormula:
    """Replicas that count what is expected, and all the same."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def serve(self, load: float, replicas: int) -> list[Rates]:
        return [expected_rates(self._replica, load / replicas)] * replicas


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What happened: how many replicas there were, and the share of time in which the average wait was above LATE."""

    fewest: int
    most: int
    mean: float
    changes_an_hour: float
    late_share: float


def steady(load: float) -> Load:
    """Always the same."""
    return lambda _: load


def hourly(low: float, high: float, minutes: float) -> Load:
    """The higher load for the last minutes of each two hours."""
    return lambda now: high if now % 7200 >= 7200 - 60 * minutes else low


def daily(low: float, high: float) -> Load:
    """A sine with a period of a day."""
    return lambda now: (low + high) / 2 - (high - low) / 2 * math.cos(2 * math.pi * now / 86400)


LOADS: Mapping[str, tuple[str, Load, float]] = {
    "jump": ("from 1 to 4 and back, an hour each", hourly(1, 4, 60), 12),
    "peak": ("1.5, and 4.5 for ten minutes of two hours", hourly(1.5, 4.5, 10), 12),
    "day": ("from 0.5 to 4.5 and back within a day", daily(0.5, 4.5), 48),
}  # in words, the load, and the hours to follow it for


def follow(scaler: Autoscaler, load: Load, replica: Replica, server: Server | None = None, hours: float = 12) -> Course:
    """Follows a load, and tells of the second half.

    Args:
        scaler: The settings.
        load: What comes.
        replica: What serves it.
        server: What counts; by the formulas if not given.
        hours: For so long.
    """
    server = server or ByFormula(replica)
    fleet = Fleet(scaler)
    minutes: list[deque[Rates]] = []  # of each replica that serves
    seen, late = [], 0
    half_s = hours * 1800
    for now in range(0, round(2 * half_s), PERIOD_S):
        counted = server.serve(load(now), fleet.serving(now))
        minutes = [*minutes, *(deque(maxlen=_MINUTE) for _ in counted[len(minutes) :])][: len(counted)]
        for minute, each in zip(minutes, counted, strict=True):
            minute.append(each)
        fleet.look(now, [mean_rates(minute) for minute in minutes])
        if now >= half_s:
            seen.append(fleet.replicas)
            all_of_them = mean_rates(counted)
            late += all_of_them.waited > LATE * replica.compute_s * all_of_them.requests
    return Course(
        fewest=min(seen),
        most=max(seen),
        mean=sum(seen) / len(seen),
        changes_an_hour=sum(when >= half_s for when, _ in fleet.changed) / (hours / 2),
        late_share=late / len(seen),
    )
