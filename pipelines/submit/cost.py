"""What a run will probably cost, and what it costs at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.submit.plan import Demand
from pipelines.submit.prices import Prices


@dataclass(frozen=True, slots=True)
class Cost:
    """In the prices' currency. `most` is None where a step has no time limit; `unknown` are things without a price."""

    expected: float
    most: float | None
    unknown: tuple[str, ...] = ()


def cost_of(demand: Demand, prices: Prices) -> Cost:
    """The cost of one step: what its pods ask for, as long as they are expected to run, and as long as they may."""
    hour = _hour(demand, prices)
    missing = bool(demand.gpus) and prices.of_accelerator(demand.accelerator) is None
    most = None if demand.most_minutes is None else hour * demand.most_minutes / 60
    return Cost(hour * demand.expected_minutes / 60, most, (demand.accelerator,) if missing else ())


def total(costs: Sequence[Cost]) -> Cost:
    """The run's. Steps that share a machine pay for what they ask for; what stays idle on it is not in it."""
    most = [cost.most for cost in costs if cost.most is not None]
    unknown = tuple(sorted({name for cost in costs for name in cost.unknown}))
    return Cost(sum(cost.expected for cost in costs), sum(most) if len(most) == len(costs) else None, unknown)


def _hour(demand: Demand, prices: Prices) -> float:
    pod = demand.cpus * prices.cpu_hour + demand.memory_gib * prices.memory_gib_hour
    pod += demand.gpus * (prices.of_accelerator(demand.accelerator) or 0.0)
    return demand.nodes * pod * (prices.spot_share if demand.on_spot else 1.0)
