"""What became of each step, read from the file that the steps write (sparseinst/steps.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sparseinst.workspace.journal import events_in


class State(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped: gate refused"
    NOT_RUN = "not run"
    # What only a cluster has (pipelines/submit).
    WAITING = "waiting"
    RUNNING = "running"
    CACHED = "succeeded, from the cache"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run. `seconds` is None where the step did not live to say it."""

    name: str
    state: State = State.NOT_RUN
    seconds: float | None = None
    exit_code: int | None = None
    problem: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def read_steps(path: Path, names: Sequence[str], *, interrupted: bool = False) -> list[StepRecord]:
    """The records of `names`, in that order.

    A step that started and did not say how it ended was killed, by us when the run was interrupted. A step that never
    started was not run; after a refused gate it was skipped.
    """
    events = _events(path)
    refused = any(
        event["step"] == "gate" and event.get("facts", {}).get("decision") not in {"pass", None} for event in events
    )
    return [_record(name, [e for e in events if e["step"] == name], interrupted, refused) for name in names]


def _record(name: str, events: list[dict[str, Any]], interrupted: bool, refused: bool) -> StepRecord:
    if not events:
        return StepRecord(name, State.SKIPPED if refused else State.NOT_RUN)
    last = events[-1]
    if last["event"] == "start":
        if interrupted:
            return StepRecord(name, State.INTERRUPTED)
        problem = "The step ended without a word: killed from outside, or out of memory."
        return StepRecord(name, State.FAILED, exit_code=1, problem=problem)
    state = State(last["state"])
    if state is State.FAILED and interrupted:
        state = State.INTERRUPTED
    problem = last.get("error", {}).get("problem", "")
    return StepRecord(name, state, last["seconds"], last["exit_code"], problem, last.get("facts", {}))


def _events(path: Path) -> list[dict[str, Any]]:
    try:
        return events_in(path.read_bytes())
    except FileNotFoundError:  # not one step started
        return []
