"""What became of a run: from what its steps told, and from what Kubeflow says where they could tell nothing.

Kubeflow's word comes second. Its backend gives an exit handler a state in ML Metadata's words and no error
(backend/src/v2/driver/resolve.go), and a group of steps with a condition that was false may stay RUNNING
(kubeflow/pipelines#11979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sparseinst.errors import Preempted

EXIT_STEP = "finish"

_FAILED = {"FAILED"}
_CANCELLED = {"CANCELED", "CANCELLED"}


class State(StrEnum):
    SUCCEEDED = "succeeded"
    REFUSED = "refused by the gate"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepStory:
    """One step: its last attempt, and how many there were. `seconds` is None where it did not live to say it.

    `error` has "problem", and perhaps "where", "fix" and "details"; it is empty where the step succeeded.
    """

    name: str
    state: State
    attempts: int = 1
    seconds: float | None = None
    exit_code: int = 0
    error: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunStory:
    """A run. `seconds` is from its first step's beginning to its last word; None where nobody said one."""

    run_id: str
    state: State
    steps: Sequence[StepStory] = ()
    seconds: float | None = None
    error: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed_step(self) -> StepStory | None:
        """The step that the run ended with, if it was one that could say so."""
        return next((step for step in self.steps if step.state in (State.FAILED, State.STOPPED)), None)

    def facts(self, step: str) -> Mapping[str, Any]:
        """What a step found out; empty where it did not succeed."""
        return next((each.facts for each in self.steps if each.name == step), {})


def tell(run_id: str, journals: Mapping[str, Sequence[Mapping[str, Any]]], said: str, message: str = "") -> RunStory:
    """The story of a run.

    Args:
        run_id: The run's id.
        journals: The events of each step, in the order in which the steps began (`read_journals`).
        said: Kubeflow's state of the steps: SUCCEEDED, COMPLETE, FAILED, CANCELED, RUNNING, …
        message: Its error message, if it has one.
    """
    told = {name: events for name, events in journals.items() if name != EXIT_STEP}
    steps = [_step(name, events) for name, events in told.items()]
    seconds = _seconds([event for events in told.values() for event in events])
    broken = next((step for step in steps if step.state in (State.FAILED, State.STOPPED)), None)
    if broken:
        state = State.CANCELLED if said in _CANCELLED and broken.state is State.STOPPED else broken.state
        return RunStory(run_id, state, steps, seconds, broken.error)
    if said in _CANCELLED:
        return RunStory(run_id, State.CANCELLED, steps, seconds)
    if said in _FAILED:
        return RunStory(run_id, State.FAILED, steps, seconds, _untold(message))
    decision = next((step.facts.get("decision") for step in steps if step.name == "gate"), None)
    return RunStory(run_id, State.REFUSED if decision not in (None, "pass") else State.SUCCEEDED, steps, seconds)


def _step(name: str, events: Sequence[Mapping[str, Any]]) -> StepStory:
    attempts = max(1, sum(event.get("event") == "start" for event in events))
    last = events[-1]
    if last.get("event") != "end":
        error = {
            "problem": "The step ended without a word: its node went away, or it was killed, or out of memory.",
            "fix": "See its pod's last state and events. A run that is started again goes on where training stood.",
        }
        return StepStory(name, State.FAILED, attempts, None, 1, error)
    code = last.get("exit_code")
    exit_code = code if isinstance(code, int) else 0
    state = State.SUCCEEDED
    if last.get("state") != State.SUCCEEDED:
        state = State.STOPPED if exit_code == Preempted.exit_code else State.FAILED
    seconds = last.get("seconds")
    return StepStory(
        name,
        state,
        attempts,
        float(seconds) if isinstance(seconds, int | float) else None,
        exit_code,
        _mapping(last.get("error")),
        _mapping(last.get("facts")),
    )


def _untold(message: str) -> Mapping[str, Any]:
    return {
        "problem": message or "A step failed that could not tell why.",
        "fix": "It did not start (image, volume, quota, rights), or its outputs could not be stored: "
        "see the first red step on the run's page, and its pod's events.",
    }


def _seconds(events: Sequence[Mapping[str, Any]]) -> float | None:
    try:
        times = [datetime.fromisoformat(str(event["at"])) for event in events]
        return (max(times) - min(times)).total_seconds() if times else None
    except (KeyError, ValueError, TypeError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
