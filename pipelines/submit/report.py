"""What is told of a run that is over: the table of its steps, the last words of a failed one, and the exit code."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.run.record import State, StepRecord
from pipelines.run.table import duration, table
from pipelines.submit.compiled import Compiled, CompiledStep
from pipelines.submit.kubeflow import Kubeflow
from pipelines.submit.logs import KILLED, LastWords, last_words
from pipelines.submit.look import Look
from pipelines.submit.nodes import Pod, driver_of, pods_of
from sparseinst.errors import GateRefused

_CANCELED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Report:
    """A run that is over. `words` are those of its first failed step, if one failed."""

    run_id: str
    page: str
    look: Look
    steps: tuple[StepRecord, ...]
    words: LastWords | None = None

    @property
    def exit_code(self) -> int:
        """0, the failed step's own exit code, 10 for a refused gate, 143 for a run that was terminated."""
        if self.look.state == "CANCELED":
            return _CANCELED
        for step in self.steps:
            if step.state is State.FAILED:
                return step.exit_code or 1
        if self.look.state != "SUCCEEDED":
            return 1
        return GateRefused.exit_code if self.look.refused else 0


def make_report(kubeflow: Kubeflow, run_id: str, compiled: Compiled, look: Look) -> Report:
    """Asks for the last lines of the first step that failed."""
    steps, words = list(look.steps), None
    failed = next((at for at, step in enumerate(steps) if step.state is State.FAILED), None)
    if failed is not None:
        pods = _pods(compiled.steps[failed], look)
        words = last_words(kubeflow.connection, run_id, look.created, pods)
        problem = steps[failed].problem or _problem(words) or look.error
        tries = f" (attempt {pods[0].attempt + 1})" if pods and pods[0].attempt else ""
        steps[failed] = dataclasses.replace(
            steps[failed], exit_code=words.exit_code or 1, problem=f"{problem}{tries}".strip()
        )
    return Report(run_id, kubeflow.connection.page(run_id), look, tuple(steps), words)


def _pods(step: CompiledStep, look: Look) -> Sequence[Pod]:
    driver = driver_of(step, look.nodes)
    return pods_of(step, look.nodes) or ([driver] if driver else [])


def _problem(words: LastWords) -> str:
    """Our own steps end with "error: …" (sparseinst/steps.py); other lines may say anything."""
    told = [line.removeprefix("error: ") for line in words.lines if line.startswith("error: ")]
    if not told and words.exit_code == KILLED:
        return "It was killed, most likely for want of memory."
    return told[-1] if told else ""


def lines_of(report: Report) -> list[str]:
    """For people."""
    look = report.look
    done = sum(step.state in (State.SUCCEEDED, State.CACHED) for step in report.steps)
    lines = ["", f"{done} of {len(report.steps)} steps succeeded in {duration(look.seconds)}", *table(report.steps)]
    if look.is_silent:
        lines = ["", "This Kubeflow does not tell of single steps; the run's page shows them."]
    if report.words is not None:
        name = next(step.name for step in report.steps if step.state is State.FAILED)
        lines += ["", *_last(name, report.words)]
    lines += ["", f"  {'run':<8}{look.state.lower()}  {report.page}"]
    if look.refused:
        lines.append(f"  {'gate':<8}refused: nothing was deployed; what was served before is still served")
    if look.state == "FAILED" and (look.error or report.words is None):
        lines.append(f"  {'error':<8}{look.error or 'no step failed; the page of the run, or its Workflow, says more'}")
    return lines


def _last(name: str, words: LastWords) -> list[str]:
    if not words.lines:
        return [f"  The log of {name} cannot be read: {words.why_none}."]
    return [f"  The last lines of {name} ({words.source}):", *(f"    {line}" for line in words.lines)]


def as_json(report: Report) -> dict[str, Any]:
    """For programs."""
    return {
        "run_id": report.run_id,
        "page": report.page,
        "state": report.look.state,
        "seconds": report.look.seconds,
        "exit_code": report.exit_code,
        "gate_refused": report.look.refused,
        "error": report.look.error,
        "steps": [
            {
                "name": step.name,
                "state": str(step.state),
                "seconds": step.seconds,
                "exit_code": step.exit_code,
                "problem": step.problem,
            }
            for step in report.steps
        ],
        "last_lines": list(report.words.lines) if report.words else [],
    }
