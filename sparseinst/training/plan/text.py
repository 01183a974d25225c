"""The plan for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from sparseinst.training.plan.checks import Check
from sparseinst.training.plan.plan import GpuPlan, Plan

_WIDTH = 100  # columns
_HEADS = ("GPU", "memory", "at a time", "computes in", "s/step", "hours", "USD")


def plan_text(plan: Plan) -> list[str]:
    """The plan in lines of at most 100 columns."""
    return [
        *_run(plan),
        "",
        *_memory(plan),
        "",
        *_table(plan),
        "",
        *_assumptions(plan.assumptions),
        *_checks(plan.checks),
    ]


def _run(plan: Plan) -> Iterator[str]:
    seen = f", about {float(f'{plan.epochs:.3g}'):g} epochs of {_count(plan.images, 'image')}" if plan.epochs else ""
    yield f"{plan.model}: {_count(plan.iterations, 'step')} of {_count(plan.batch_size, 'image')}{seen}"
    where = _count(plan.gpus, "GPU") + (f" on each of {plan.nodes} nodes" if plan.nodes > 1 else "")
    parts = f" in {plan.accumulation} parts of {plan.micro_batch}" if plan.accumulation > 1 else ""
    yield f"{where}: {_count(plan.share, 'image')} a step and GPU{parts}, train.precision={plan.precision}"
    yield f"a step: about {_about(plan.flops_per_step / 1e12)} TFLOP (10^12 operations)"


def _memory(plan: Plan) -> Iterator[str]:
    memory = plan.memory
    yield f"memory of a GPU with {_count(plan.micro_batch, 'image')} at a time: about {_size(memory.total)}"
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "EMA": memory.ema,
        "activations": memory.activations,
        "losses and matching": memory.criterion,
        "images": memory.images,
        "overhead": memory.overhead,
    }
    text = ", ".join(f"{name} {_size(size)}".replace(" ", "~") for name, size in parts.items() if size)
    for line in textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  "):
        yield line.replace("~", " ")  # a number stays with its unit


def _table(plan: Plan) -> Iterator[str]:
    rows = [_HEADS, *(_row(row, plan) for row in plan.table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    for row in rows:
        first, *others = (
            f"{cell:<{width}}" if column in (0, 3) else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()[:_WIDTH]


def _row(row: GpuPlan, plan: Plan) -> Sequence[str]:
    mark = "> " if row.name == plan.gpu else "  "
    head = (f"{mark}{row.name}", f"{row.memory_bytes / 1e9:.0f} GB")
    if row.seconds_per_step is None or row.hours is None or row.usd is None:
        why = f"no {plan.precision}" if not row.precision else f"at most {row.largest_micro_batch}"
        return (*head, why if row.largest_micro_batch else "does not fit", row.precision, "-", "-", "-")
    at_a_time = f"{row.micro_batch}" if row.accumulation == 1 else f"{row.accumulation} x {row.micro_batch}"
    return (*head, at_a_time, row.precision, _about(row.seconds_per_step), _about(row.hours), _about(row.usd))


def _assumptions(sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(sentence, _WIDTH, subsequent_indent="  ")


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        word = "refused" if check.kind == "refusal" else "warning"
        yield ""
        yield from textwrap.wrap(f"{word}: {check.problem}", _WIDTH, subsequent_indent="  ")
        yield from textwrap.wrap(check.fix, _WIDTH, initial_indent="  fix: ", subsequent_indent="       ")


def _about(value: float) -> str:
    """Two digits that count: 0.87, 3.4, 65, 1 300."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}".replace(",", " ") if rounded >= 10 else f"{rounded:.2g}"


def _count(number: int | None, thing: str) -> str:
    """1 image, 117 266 images."""
    return f"{number or 0:,} {thing}{'' if number == 1 else 's'}".replace(",", " ")


def _size(size: int) -> str:
    """7.2 GB, 130 MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{_about(size / 1e6)} MB"
