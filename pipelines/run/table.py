"""The table of steps that ends every run."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.run.record import State, StepRecord

_MARKS = {
    State.SUCCEEDED: "✓",
    State.CACHED: "✓",
    State.FAILED: "✗",
    State.INTERRUPTED: "✗",
    State.CANCELED: "✗",
    State.RUNNING: "›",
}


def table(steps: Sequence[StepRecord]) -> list[str]:
    """One line a step: its name, its state, the time it took, and what was wrong."""
    width = max(len(step.name) for step in steps)
    return [_line(step, width) for step in steps]


def _line(step: StepRecord, width: int) -> str:
    time = "" if step.seconds is None else duration(step.seconds)
    line = f"  {_MARKS.get(step.state, '-')} {step.name:<{width}}  {time:>12}  {step.state}"
    if step.state is State.FAILED:
        line += f" (exit {step.exit_code}): {step.problem.splitlines()[0] if step.problem else ''}"
    return line.rstrip(": ")


def duration(seconds: float) -> str:
    """2.3 -> "2.3 s", 131 -> "2 min 11 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
