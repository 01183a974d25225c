"""What Triton's counters say of a replica under a load, and what the autoscaler's metrics make of it.

The metrics are those of deploy/monitoring/rules/recorded.yaml under the names that prometheus-adapter gives them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.scaling.queueing import mean_wait


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """What serves.

    Attributes:
        compute_s: Of one request that has an executor for itself.
        executors: What computes: a GPU is one, whatever the number of instances.
        instances: How many requests Triton hands out at a time; at least as many as executors, which they share.
        spread: cv² of the computing times.
        patience_s: What waits longer is refused.
    """

    compute_s: float
    executors: int
    instances: int
    spread: float
    patience_s: float

    @property
    def capacity(self) -> float:
        """Requests a second."""
        return self.executors / self.compute_s


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one replica, a second.

    Attributes:
        requests: Answered.
        waited: Seconds of waiting (`nv_inference_queue_duration_us`): as many requests wait, on average.
        computed: Seconds of computing (`nv_inference_compute_*_duration_us`): as many instances compute, on average.
    """

    requests: float
    waited: float
    computed: float


def mean_rates(rates: Sequence[Rates]) -> Rates:
    """Over several periods, or replicas."""
    count = len(rates)
    return Rates(
        sum(each.requests for each in rates) / count,
        sum(each.waited for each in rates) / count,
        sum(each.computed for each in rates) / count,
    )


def expected_rates(replica: Replica, load: float) -> Rates:
    """What a replica counts when requests come at random times, by the formulas.

    With more instances than executors a part of the wait passes inside an instance, where it counts as computing: of
    the line at c executors, whose length from c on is geometric with the ratio `load`, what is beyond the k-th place
    waits outside, load^(k - c) of all waiting. Those inside share the executors evenly, so there it makes no difference
    how the computing times are spread.

    Args:
        replica: It.
        load: What comes, as a share of what it can do.
    """
    full = Rates(replica.capacity, replica.capacity * replica.patience_s, replica.instances)
    if load >= 1:
        return full
    outside = load ** (replica.instances - replica.executors)
    wait_s = outside * replica.compute_s * mean_wait(replica.executors, load, replica.spread)
    inside_s = (1 - outside) * replica.compute_s * mean_wait(replica.executors, load, 1)
    if wait_s > replica.patience_s:
        return full
    requests = load * replica.capacity
    return Rates(requests, requests * wait_s, requests * (replica.compute_s + inside_s))


def busy(rates: Rates) -> float:
    """The share of its time that a GPU is busy which two instances share.

    The first computes for that share of the time, and the second while two requests or more are inside, which is the
    square of it: b = busy + busy² compute on average. Where each instance has processors of its own it is b / 2, and
    this is up to 0.125 more.
    """
    return (math.sqrt(1 + 4 * rates.computed) - 1) / 2


def wait_ratio(rates: Rates) -> float:
    """Seconds of waiting for one of computing."""
    return rates.waited / max(rates.computed, 0.001)


def queue_seconds(rates: Rates) -> float:
    """Seconds that a request waits: what the autoscaler once looked at, and nothing else."""
    return rates.waited / max(rates.requests, 0.01)


METRICS: Mapping[str, Callable[[Rates], float]] = {
    "sparseinst_busy": busy,
    "sparseinst_wait_ratio": wait_ratio,
    "sparseinst_queue_seconds": queue_seconds,
}
