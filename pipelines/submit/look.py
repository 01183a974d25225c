"""What became of each step, from what the API says of the run's tasks.

The API has one task for each node of the Argo workflow: "train" is the step, "train-driver" what prepares it,
"executor" its container (toModelTasks in backend/src/apiserver/server/api_converter.go, kubeflow/pipelines). A task
that has not ended has the year 1970 as its end; a task that was never reached is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipelines.run.record import State, StepRecord
from pipelines.submit.compiled import Compiled, CompiledStep
from pipelines.submit.nodes import pods_of

_STATES = {
    "PENDING": State.WAITING,
    "RUNNING": State.RUNNING,
    "SUCCEEDED": State.SUCCEEDED,
    "SKIPPED": State.SKIPPED,
    "FAILED": State.FAILED,
    "CANCELING": State.CANCELED,
    "CANCELED": State.CANCELED,
    "PAUSED": State.WAITING,
}


@dataclass(frozen=True, slots=True)
class Look:
    """A run as it is now.

    Attributes:
        state: The API's word: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED, PAUSED, …
        error: What the API says went wrong with the run as a whole.
        steps: The pipeline's steps in order.
        nodes: The names of Argo's nodes as far as the API gives them.
        refused: Whether the gate kept the rest of the pipeline from running.
        created: The day on which the run was created, as 2026-11-26.
        is_starting: Whether some container waits for a machine, an image or a volume.
        is_silent: Whether the API says nothing of single tasks.
        seconds: How long the run has taken.
    """

    state: str
    error: str
    steps: tuple[StepRecord, ...]
    nodes: frozenset[str]
    refused: bool
    created: str
    is_starting: bool
    is_silent: bool
    seconds: float


def look_at(run: Any, compiled: Compiled, now: float) -> Look:
    """Reads the SDK's run object. `now` (seconds since 1970) is for the time of steps that have not ended."""
    tasks = list((run.run_details and run.run_details.task_details) or ())
    by_name = {task.display_name: task for task in tasks}
    nodes = frozenset(child.pod_name for task in tasks for child in task.child_tasks or () if child.pod_name)
    skipped = {
        step.condition.task
        for step in compiled.steps
        if step.condition and _said(by_name.get(step.condition.task)) == "SKIPPED"
    }
    gated = {step.condition.task for step in compiled.steps if step.condition and step.condition.asks == "gate"}
    records = tuple(_record(step, by_name, nodes, skipped, now) for step in compiled.steps)
    return Look(
        state=_state_of(run),
        error=(run.error and run.error.message) or "",
        steps=records,
        nodes=nodes,
        refused=bool(gated & skipped),
        created=run.created_at.date().isoformat(),
        is_starting=any(_said(task) == "PENDING" and _is_container(task) for task in tasks),
        is_silent=not tasks,
        seconds=(run.finished_at.timestamp() if run.finished_at else now) - run.created_at.timestamp(),
    )


def _state_of(run: Any) -> str:
    """A run that was terminated may end as FAILED, for that is what its workflow did."""
    told = {status.state for status in run.state_history or ()}
    return "CANCELED" if run.state == "FAILED" and told & {"CANCELING", "CANCELED"} else str(run.state or "PENDING")


def _record(
    step: CompiledStep, by_name: dict[str, Any], nodes: Iterable[str], skipped: set[str], now: float
) -> StepRecord:
    task, driver = by_name.get(step.task), by_name.get(f"{step.task}-driver")
    if step.condition and step.condition.task in skipped:
        return StepRecord(step.name, State.SKIPPED)
    if _said(driver) == "FAILED":
        return StepRecord(step.name, State.FAILED, exit_code=1, problem="It could not be started: its driver failed.")
    if task is None:
        return StepRecord(step.name, State.WAITING if _said(driver) in ("PENDING", "RUNNING") else State.NOT_RUN)
    state = _STATES.get(_said(task), State.NOT_RUN)
    if state is State.SUCCEEDED and step.cached and nodes and not pods_of(step, nodes):
        state = State.CACHED
    error = (task.error and task.error.message) or ""
    return StepRecord(step.name, state, _seconds(task, state, now), 1 if state is State.FAILED else None, error)


def _said(task: Any) -> str:
    return str(task.state or "") if task is not None else ""


def _is_container(task: Any) -> bool:
    return str(task.display_name or "").startswith("executor")


def _seconds(task: Any, state: State, now: float) -> float | None:
    if task.start_time is None or state in (State.NOT_RUN, State.SKIPPED):
        return None
    start = task.start_time.timestamp()
    end = task.end_time.timestamp() if task.end_time and task.end_time.year > 1970 else now
    return float(max(end - start, 0.0))
