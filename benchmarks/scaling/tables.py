"""The tables of docs/scaling.md, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.scaling.draw import SPREADS, busy_of
from benchmarks.scaling.hunting import changing_rows, each_request_rows, other_rows, share_rows, steady_rows
from benchmarks.scaling.inputs import Inputs
from benchmarks.scaling.queueing import busy_at, mean_wait
from benchmarks.scaling.serving import serving_rows
from benchmarks.scaling.training import network_needed_gbit, saving_interval, training_rows

_SHARES = (0.05, 0.2)  # of a step, for the exchange
_WAITS = (0.25, 0.5, 1, 2, 4)  # multiples of the computing time
_EXECUTORS = (1, 2, 4, 8)


def training(inputs: Inputs) -> str:
    head = (
        "GPUs (nodes)",
        "batch, steps",
        "exchange",
        "worst efficiency",
        "hours, USD",
        "images/s",
        "loader cores a node",
        "images read",
    )
    return _table(
        head,
        (
            (
                f"{row.gpus} ({row.nodes})",
                f"{row.batch_size}, {_big(row.iterations)}",
                f"{row.exchange_ms:.1f} ms",
                f"{100 * row.efficiency:.0f} %",
                f"{_short(row.hours)}, {_big(_round(row.usd))}",
                f"{_short(row.images_s)}",
                f"{row.cores:.1f}",
                f"{row.read_mb_s:.0f} MB/s",
            )
            for row in training_rows(inputs)
        ),
    )


def network(inputs: Inputs) -> str:
    head = ("nodes", *(f"for at most {100 * share:g} % of a step" for share in _SHARES))
    counts = sorted({row.nodes for row in training_rows(inputs)} - {1})
    return _table(
        head,
        (
            (f"{nodes}", *(f"{network_needed_gbit(inputs, nodes, each):.0f} Gbit/s" for each in _SHARES))
            for nodes in counts
        ),
    )


def saving(inputs: Inputs) -> str:
    size, write_s, steps = saving_interval(inputs)
    return _table(
        ("a saved state", "written in", "best saved every", "lost by a stop, on average"),
        [
            (
                f"{size / 1e6:.0f} MB",
                f"{write_s:.1f} s",
                f"{_big(steps)} steps ({steps * inputs.training.step_s / 60:.0f} min)",
                f"{steps * inputs.training.step_s / 120:.0f} min",
            )
        ],
    )


def waiting(inputs: Inputs) -> str:
    head = ("average wait ÷ computing time", *(f"{count} executor{'s'[: count > 1]}" for count in _EXECUTORS))

    def cell(count: int, wait: float) -> str:
        return " to ".join(f"{100 * busy_at(count, wait, spread):.0f}" for spread in (1, 0)) + " %"

    return _table(head, ((f"{wait:g}", *(cell(count, wait) for count in _EXECUTORS)) for wait in _WAITS))


def replicas(inputs: Inputs) -> str:
    head = (
        "requests/s",
        "replicas (with a zone lost)",
        "pictures in",
        "replies out: full, compact, JSON",
        "front door's cores",
        "USD an hour",
        "USD a million",
    )
    return _table(
        head,
        (
            (
                _big(row.requests_s),
                f"{_big(row.replicas)} ({_big(row.replicas_with_spare)})",
                f"{_short(row.in_gbit)} Gbit/s",
                f"{', '.join(_short(value) for value in row.out_gbit.values())} Gbit/s",
                _short(row.front_cores),
                _short(row.usd_hour),
                f"{row.usd_million:.0f}",
            )
            for row in serving_rows(inputs)
        ),
    )


def hunting(inputs: Inputs) -> str:
    return _with_head(steady_rows(inputs))


def changing(inputs: Inputs) -> str:
    return _with_head(changing_rows(inputs))


def others(inputs: Inputs) -> str:
    return _with_head(other_rows(inputs))


TABLES: Mapping[str, Callable[[Inputs], str]] = {
    "training": training,
    "network": network,
    "saving": saving,
    "waiting": waiting,
    "replicas": replicas,
    "hunting": hunting,
    "changing": changing,
    "others": others,
}


def all_tables(inputs: Inputs) -> str:
    """Everything, with headings."""
    return "\n".join(f"{name}\n\n{make(inputs)}" for name, make in TABLES.items())


def simulated(inputs: Inputs) -> str:
    """What takes too long to be calculated each time."""
    return "\n".join(_with_head(rows(inputs)) for rows in (share_rows, each_request_rows))


def measured(figures: Mapping[str, Any]) -> str:
    """A replica's wait as it was measured, beside the formulas'."""
    head = (
        "requests come, of capacity",
        *(f"wait, {name}: measured, formula" for name in SPREADS),
        "answered in, 95 of 100",
    )
    columns = []
    for name, spread in SPREADS.items():
        found = figures[name]
        columns.append([(row, busy_of(row, found["executors"]), spread, found["executors"]) for row in found["open"]])
    return _table(head, (_measured_row(cells) for cells in zip(*columns, strict=True)))


def clients(figures: Mapping[str, Any]) -> str:
    """The sample network on the CPU, with clients that wait for their answers."""
    found = figures["sample network"]
    best = max(found["alone"])
    head = ("clients", "images/s", "of the model alone", "answered in: half, 95 of 100", "wait", "computing")
    rows = (
        (
            f"{row['clients']}",
            f"{row['rate']:.0f}",
            f"{row['rate'] / best:.2f}",
            f"{row['p50']:.0f} ms, {row['p95']:.0f} ms",
            f"{row['queue_ms']:.1f} ms",
            f"{row['compute_ms']:.1f} ms",
        )
        for row in found["closed"]
    )
    return _table(head, rows)


MEASURED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"measured": measured, "clients": clients}


def fill_page(page: str, inputs: Inputs, figures: Mapping[str, Any]) -> str:
    """The page with its tables made anew, which stand between `<!-- table: NAME -->` and `<!-- end -->`."""

    def table(match: re.Match[str]) -> str:
        name = match[2]
        text = MEASURED[name](figures) if name in MEASURED else TABLES[name](inputs)
        return f"{match[1]}\n{text}<!-- end -->"

    return re.sub(r"(<!-- table: (\w+) -->)\n.*?<!-- end -->", table, page, flags=re.DOTALL)


def _measured_row(cells: Sequence[tuple[Mapping[str, Any], float, float, int]]) -> list[str]:
    waits = []
    for row, busy, spread, executors in cells:
        formula = f"{row['compute_ms'] * mean_wait(executors, busy, spread):.1f} ms" if busy < 1 else "no end"
        refused = (
            f", {100 * row['refused'] / (row['refused'] + row['answered']):.0f} % refused" if row["refused"] else ""
        )
        waits.append(f"{row['queue_ms']:.1f} ms, {formula}{refused}")
    shares = ", ".join(f"{100 * busy:.0f} %" for _, busy, _, _ in cells)
    return [shares, *waits, ", ".join(f"{row['p95']:.0f} ms" for row, *_ in cells)]


def _with_head(rows: Iterable[Sequence[str]]) -> str:
    head, *others = rows
    return _table(head, others)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def _big(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def _short(value: float) -> str:
    """Three digits."""
    return _big(value) if value >= 100 else f"{value:.3g}"


def _round(value: float) -> float:
    """Two digits: no more is known."""
    return float(f"{value:.2g}")
