"""Runs a pipeline in local processes: one process a step, in this environment, by Kubeflow's own local runner."""

from __future__ import annotations

import copy
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import local

from pipelines.run.environment import environment
from pipelines.run.output import StepOutput
from pipelines.run.record import State, StepRecord, read_steps
from pipelines.run.signals import Interrupted
from sparseinst.errors import GateRefused
from sparseinst.steps import STEPS_FILE


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, step by step."""

    steps: list[StepRecord]
    interruption: Interrupted | None = None

    @property
    def exit_code(self) -> int:
        """0, the failed step's own exit code, 10 for a refused gate, 130 or 143 when interrupted."""
        if self.interruption:
            return self.interruption.exit_code
        for step in self.steps:
            if step.state is State.FAILED:
                return step.exit_code or 1
        return GateRefused.exit_code if any(step.state is State.SKIPPED for step in self.steps) else 0


def steps_file(folder: Path) -> str:
    """The file in the run's folder that its steps write. Its name also marks the processes of this run."""
    return str((folder / "steps.jsonl").resolve())


def run_locally(
    pipeline: Callable[..., Any], arguments: Mapping[str, Any], step_names: Sequence[str], folder: Path
) -> Outcome:
    """Runs `pipeline` and says what became of each step. The steps inherit this process's environment.

    Args:
        pipeline: A function decorated with dsl.pipeline.
        arguments: Its parameters.
        step_names: Its steps in order, by the names that they tell (sparseinst/steps.py).
        folder: An existing folder of this run; gets Kubeflow's artifacts and log.txt.
    """
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(folder / "kfp"),
        workspace_root=str(folder / "kfp-workspace"),  # removed by kfp at the end: our workspace is a parameter
    )
    complaint, interruption = "", None
    with (folder / "log.txt").open("a", encoding="utf-8") as log, environment(_for_steps(folder)):
        try:
            with _quiet_kfp(), _without_retries(pipeline), redirect_stdout(StepOutput(sys.stderr, log)):
                pipeline(**arguments)
        except Interrupted as error:
            interruption = error
        except RuntimeError as error:  # kfp's word for a failed step
            complaint = str(error)
    steps = read_steps(Path(steps_file(folder)), step_names, interrupted=interruption is not None)
    if complaint and not any(step.state is State.FAILED for step in steps):
        steps = _blame_the_next(steps, complaint)
    return Outcome(steps, interruption)


def _for_steps(folder: Path) -> dict[str, str]:
    """kfp starts the steps with `python3`, so this environment's must come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"PATH": path, "PYTHONUNBUFFERED": "1", STEPS_FILE: steps_file(folder)}


def _blame_the_next(steps: list[StepRecord], complaint: str) -> list[StepRecord]:
    """A step that failed before it could say its name, e.g. at an import, is the first that did not run."""
    position = next((i for i, step in enumerate(steps) if step.state is not State.SUCCEEDED), len(steps) - 1)
    failed = StepRecord(steps[position].name, State.FAILED, exit_code=1, problem=complaint)
    return [*steps[:position], failed, *steps[position + 1 :]]


@contextmanager
def _without_retries(pipeline: Any) -> Iterator[None]:
    """Retries are for pods that go away. Here a step that failed would only fail again."""
    tasks = pipeline.pipeline_spec.root.dag.tasks
    before = {name: copy.deepcopy(task.retry_policy) for name, task in tasks.items() if task.HasField("retry_policy")}
    for name in before:
        tasks[name].ClearField("retry_policy")
    try:
        yield
    finally:
        for name, policy in before.items():
            tasks[name].retry_policy.CopyFrom(policy)


@contextmanager
def _quiet_kfp() -> Iterator[None]:
    """Without kfp's own report of each task: the steps speak for themselves, and the table sums up."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"kfp\.")
            warnings.filterwarnings("ignore", message="You may be attemping to run a task")
            warnings.filterwarnings("ignore", message="Task .* have no effect in the current local runner")
            yield
    finally:
        logging.disable(before)
