"""Watching a run until it ends: a line for each change, and for whoever looks at a terminal what goes on now."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

from pipelines.run.record import State, StepRecord
from pipelines.run.table import duration
from pipelines.submit.compiled import Compiled, CompiledStep
from pipelines.submit.errors import StillRunning
from pipelines.submit.kubeflow import Kubeflow
from pipelines.submit.logs import waits_for
from pipelines.submit.look import Look, look_at
from pipelines.submit.nodes import pods_of
from pipelines.submit.patience import Pace, patiently
from sparseinst.errors import ClusterError
from sparseinst.log import get_logger

OVER = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})
_UNUSUAL = frozenset({"PAUSED", "CANCELING"})
_LONG_S = 120.0  # to pull an image takes a minute or two; who waits longer wants to know why
_LINE_START = "\r\x1b[2K"


@dataclass(slots=True)
class Watch:
    """What was told already. `screen` is where the line for the terminal goes, if it is one."""

    compiled: Compiled
    kubeflow: Kubeflow
    screen: TextIO = field(default_factory=lambda: sys.stderr)
    told: dict[str, State] = field(default_factory=dict)
    told_of_run: str = ""
    reasons: dict[str, list[str]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def tell(self, look: Look) -> None:
        """A line for each step that changed, and for the run when it stands still."""
        for step, record in zip(self.compiled.steps, look.steps, strict=True):
            self._tell_change(record)
            self._tell_attempt(step, look)
        if look.state in _UNUSUAL and look.state != self.told_of_run:
            get_logger("kubeflow").warning("the run is %s", look.state.lower())
        self.told_of_run = look.state
        self._tell_what_is_waited_for(look)
        if self.screen.isatty() and look.state not in OVER:
            self.screen.write(_status(look.steps))
            self.screen.flush()

    def _tell_change(self, record: StepRecord) -> None:
        if record.state is self.told.get(record.name, State.NOT_RUN):
            return
        self.told[record.name] = record.state
        level = logging.WARNING if record.state in (State.FAILED, State.CANCELED) else logging.INFO
        get_logger(record.name).log(level, "%s", _line(record))

    def _tell_attempt(self, step: CompiledStep, look: Look) -> None:
        pods = pods_of(step, look.nodes)
        if pods and pods[0].attempt > self.attempts.get(step.name, 0):
            self.attempts[step.name] = pods[0].attempt
            get_logger(step.name).warning("is tried again: attempt %d of %d", pods[0].attempt + 1, step.retries + 1)

    def clear(self) -> None:
        """Takes the terminal's line away, before something else is written."""
        if self.screen.isatty():
            self.screen.write(_LINE_START)
            self.screen.flush()

    def _tell_what_is_waited_for(self, look: Look) -> None:
        for step, record in zip(self.compiled.steps, look.steps, strict=True):
            long = record.state is State.RUNNING and (record.seconds or 0) >= _LONG_S
            if not (long and look.is_starting):
                continue
            reasons = waits_for(self.kubeflow.connection, pods_of(step, look.nodes))
            if reasons and reasons != self.reasons.get(step.name):
                self.reasons[step.name] = reasons
                for reason in reasons:
                    get_logger(step.name).warning("waits for its pod: %s", reason)


def follow(kubeflow: Kubeflow, run_id: str, compiled: Compiled, pace: Pace, timeout_s: float) -> Look:
    """Looks at the run every `pace.poll_s` until it is over.

    Args:
        kubeflow: Where it runs.
        run_id: The run.
        compiled: The pipeline that it runs.
        pace: The clock. An API that is away is asked again; the run goes on meanwhile.
        timeout_s: How long to wait; 0 without end.

    Raises:
        StillRunning: The time is up.
        ClusterError: The API will not let us look any more, e.g. because a token ended.
    """
    watch, start = Watch(compiled, kubeflow), pace.now()
    while True:
        look = look_once(kubeflow, run_id, compiled, pace)
        watch.tell(look)
        if look.state in OVER:
            return look
        if timeout_s and pace.now() - start >= timeout_s:
            raise StillRunning(
                f"The run is not over after {duration(timeout_s)}. It goes on.",
                where=kubeflow.connection.page(run_id),
                fix=f"Look at it again: {again(kubeflow, run_id)}",
            )
        try:
            pace.sleep(pace.poll_s)
        finally:
            watch.clear()


def look_once(kubeflow: Kubeflow, run_id: str, compiled: Compiled, pace: Pace) -> Look:
    """The run as it is now. What is refused is told with the word that the run goes on."""
    try:
        run = patiently(lambda: kubeflow.ask("look at the run", lambda sdk: sdk.get_run(run_id)), pace)
    except ClusterError as error:
        fix = f"{error.fix} The run goes on; look at it again: {again(kubeflow, run_id)}".strip()
        raise ClusterError(error.problem, where=error.where, fix=fix) from error
    return look_at(run, compiled, pace.now())


def again(kubeflow: Kubeflow, run_id: str, what: str = "FOLLOW") -> str:
    """The command that follows the run, or with "TERMINATE" ends it."""
    namespace = f" NAMESPACE={kubeflow.connection.namespace}" if kubeflow.connection.namespace else ""
    return f"make pipeline-run KFP_HOST={kubeflow.connection.host}{namespace} {what}={run_id}"


def _line(step: StepRecord) -> str:
    ended = step.state not in (State.RUNNING, State.WAITING) and step.seconds is not None
    return f"{step.state} after {duration(step.seconds or 0)}" if ended else str(step.state)


def _status(steps: Sequence[StepRecord]) -> str:
    done = sum(step.state in (State.SUCCEEDED, State.CACHED) for step in steps)
    now = ", ".join(f"{step.name} {duration(step.seconds or 0)}" for step in steps if step.state is State.RUNNING)
    return f"{done} of {len(steps)} steps done; {now or 'waiting'}"
