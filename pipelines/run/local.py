"""Runs a pipeline on this machine by Kubeflow's own local runners: by default in processes, one a step."""

from __future__ import annotations

import copy
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from kfp import local

from pipelines.run.environment import environment
from pipelines.run.output import StepOutput
from pipelines.run.record import State, StepRecord, read_steps
from pipelines.run.signals import Interrupted, end_processes_of
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


class Runner(Protocol):
    """Where the steps of a run live.

    Attributes:
        exit_code: Of the first step that failed, where the runner knows it better than the step told; else 0.
    """

    exit_code: int

    def kfp_runner(self) -> Any:
        """What kfp.local.init takes."""

    def running(self) -> AbstractContextManager[None]:
        """Around the whole pipeline."""

    def stop(self) -> None:
        """Ends all that the steps started; for a signal handler."""


class Processes:
    """One process a step, in this environment."""

    exit_code = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kfp_runner(self) -> Any:
        return local.SubprocessRunner(use_venv=False)

    def running(self) -> AbstractContextManager[None]:
        return nullcontext()

    def stop(self) -> None:
        end_processes_of(steps_file(self._folder))


def steps_file(folder: Path) -> str:
    """The file in the run's folder that its steps write. Its name also marks the processes of this run."""
    return str((folder / "steps.jsonl").resolve())


def run_locally(
    pipeline: Callable[..., Any],
    arguments: Mapping[str, Any],
    step_names: Sequence[str],
    folder: Path,
    runner: Runner | None = None,
) -> Outcome:
    """Runs `pipeline` and says what became of each step.

    Args:
        pipeline: A function decorated with dsl.pipeline.
        arguments: Its parameters.
        step_names: Its steps in order, by the names that they tell (sparseinst/steps.py).
        folder: An existing folder of this run; gets Kubeflow's artifacts and log.txt.
        runner: Where the steps run; by default in processes, which inherit this one's environment.
    """
    runner = runner or Processes(folder)
    complaint, interruption = "", None
    with (folder / "log.txt").open("a", encoding="utf-8") as log, environment(_for_steps(folder)), runner.running():
        local.init(
            runner=runner.kfp_runner(),
            pipeline_root=str(folder / "kfp"),
            workspace_root=str(folder / "kfp-workspace"),  # removed by kfp at the end: our workspace is a parameter
        )
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
    return Outcome([_with_exit_code(step, runner.exit_code) for step in steps], interruption)


def _with_exit_code(step: StepRecord, code: int) -> StepRecord:
    """A step that was killed cannot tell its exit code."""
    return replace(step, exit_code=code) if code and step.state is State.FAILED and step.seconds is None else step


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
    spec = pipeline.pipeline_spec
    dags = [spec.root.dag, *(component.dag for component in spec.components.values() if component.HasField("dag"))]
    tasks = [task for dag in dags for task in dag.tasks.values() if task.HasField("retry_policy")]
    before = [copy.deepcopy(task.retry_policy) for task in tasks]
    for task in tasks:
        task.ClearField("retry_policy")
    try:
        yield
    finally:
        for task, policy in zip(tasks, before, strict=True):
            task.retry_policy.CopyFrom(policy)


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
