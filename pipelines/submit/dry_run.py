"""The dry run: everything that would be sent and asked for, and nothing is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipelines.platform.preset import Preset
from pipelines.submit.cost import Cost, cost_of, total
from pipelines.submit.plan import Demand
from pipelines.submit.prices import Prices
from pipelines.submit.start import Order

_HEAD = ("step", "pods", "CPUs", "memory", "GPUs", "/dev/shm", "tries", "limit", "expected", "cost", "at most")


def lines_of(
    preset: Preset, order: Order, values: Mapping[str, Any], asked: Sequence[Demand], prices: Prices
) -> list[str]:
    """For people.

    Args:
        preset: What it was made of.
        order: What would be created.
        values: All of the pipeline's parameters with their values.
        asked: What each step asks for.
        prices: What an hour costs.
    """
    costs = [cost_of(demand, prices) for demand in asked]
    rows = [_HEAD, *(_row(demand, cost) for demand, cost in zip(asked, costs, strict=True))]
    return [
        f"{preset.name}: {preset.description}",
        "",
        *_aligned(rows),
        "",
        *_who("secret", asked, lambda demand: demand.secrets),
        *_who("volume", asked, lambda demand: demand.volumes),
        *_who("nodes with", asked, lambda demand: [f"{key}={value}" for key, value in demand.node_selector.items()]),
        *_who("tolerates", asked, lambda demand: demand.tolerations),
        *_who("image", asked, lambda demand: [demand.image] if demand.image else []),
        *_who("may be cached", asked, lambda demand: ["the answer of an equal step"] if demand.cached else []),
        f"  {'runs as':<14}{order.service_account or 'what Kubeflow gives'} (ServiceAccount)",
        f"  {'experiment':<14}{order.experiment}",
        "",
        *(f"  {name} = {_shown(value)}{_mark(name, order)}" for name, value in values.items()),
        "",
        *_cost_lines(total(costs), prices),
    ]


def as_json(
    preset: Preset, order: Order, values: Mapping[str, Any], asked: Sequence[Demand], prices: Prices
) -> dict[str, Any]:
    """For programs."""
    costs = [cost_of(demand, prices) for demand in asked]
    whole = total(costs)
    return {
        "preset": preset.name,
        "service_account": order.service_account,
        "experiment": order.experiment,
        "parameters": dict(values),
        "given": dict(order.parameters),
        "steps": [
            {**asdict(demand), "cost_expected": cost.expected, "cost_at_most": cost.most}
            for demand, cost in zip(asked, costs, strict=True)
        ],
        "cost": {
            "currency": prices.currency,
            "expected": whole.expected,
            "at_most": whole.most,
            "without_a_price": list(whole.unknown),
            "prices_date": prices.date,
            "prices_source": prices.source,
        },
    }


def _row(demand: Demand, cost: Cost) -> tuple[str, ...]:
    return (
        demand.step,
        str(demand.nodes),
        demand.cpu or "-",
        demand.memory or "-",
        str(demand.gpus or "-"),
        demand.shm or "-",
        str(1 + demand.retries),
        _time(demand.timeout_minutes) if demand.timeout_minutes else "none",
        _time(demand.expected_minutes),
        _money(cost.expected),
        "no limit" if cost.most is None else _money(cost.most),
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + f"{row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _who(word: str, asked: Sequence[Demand], what: Callable[[Demand], Sequence[str]]) -> list[str]:
    """A line for each thing that steps ask for: "secret        sparseinst-s3-steps: ingest, train"."""
    users: dict[str, list[str]] = defaultdict(list)
    for demand in asked:
        for thing in what(demand):
            users[thing].append(demand.step)
    lines = []
    for thing, steps in users.items():
        everyone = len(steps) == len(asked)
        lines.append(f"  {word:<14}{thing}: {'every step' if everyone else ', '.join(steps)}")
    return lines


def _cost_lines(whole: Cost, prices: Prices) -> list[str]:
    most = (
        "without limit: a step has no time limit" if whole.most is None else f"{_money(whole.most)} {prices.currency}"
    )
    lines = [
        f"  expected  {_money(whole.expected)} {prices.currency}",
        f"  at most   {most}{'' if whole.most is None else ', if every step used all its tries and all its time'}",
        f"  prices    of {prices.date}: {prices.source}",
    ]
    return lines + [f"  no price for {name}: it is not in the sum" for name in whole.unknown]


def _mark(name: str, order: Order) -> str:
    return "   (given)" if name in order.parameters else ""


def _shown(value: Any) -> str:
    return "''" if value == "" else str(value)


def _time(minutes: float) -> str:
    return (
        f"{minutes:g} min" if minutes < 120 else f"{minutes / 60:g} h" if minutes % 60 == 0 else f"{minutes / 60:.1f} h"
    )


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}"
