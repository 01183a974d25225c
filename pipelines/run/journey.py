"""One local run from start to end: data, servers, pipeline, table, summary."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.pipeline import STEPS, train_to_triton
from pipelines.run.containers import Containers, require_images
from pipelines.run.environment import environment
from pipelines.run.folder import new_run_folder
from pipelines.run.local import Outcome, Processes, Runner, run_locally
from pipelines.run.record import State
from pipelines.run.request import OPEN_GATE, Request
from pipelines.run.signals import Interrupted, interruptible
from pipelines.run.source import fetch_sample, publish
from pipelines.run.summary import summary
from pipelines.run.table import duration, table
from sparseinst.data.ingest.version import data_version
from sparseinst.log import get_logger
from sparseinst.serving import stack

log = get_logger("run")


def travel(request: Request, runs: Path, *, in_containers: bool = False) -> int:
    """Runs the pipeline as asked, prints the table of steps and the summary, and returns the exit code."""
    start = time.monotonic()
    if in_containers:
        require_images(train_to_triton)
    folder = new_run_folder(runs)
    runner = Containers(folder, read_only=_needed(request)) if in_containers else Processes(folder)
    with interruptible(runner.stop), _servers() as servers:
        with environment(servers.environment()):
            outcome = _pipeline(request, folder, runner)
        _report(outcome, folder, time.monotonic() - start)
        if outcome.interruption:
            raise outcome.interruption
        return outcome.exit_code


def _pipeline(request: Request, folder: Path, runner: Runner) -> Outcome:
    if request.data is not None and request.gate.min_ap == 0:
        log.warning(OPEN_GATE)
    directory = fetch_sample() if request.data is None else request.data
    name = "sample" if request.data is None else directory.resolve().name
    arguments = {
        "source": publish(directory, name),
        "data_version": data_version(str(directory)),
        "data_options": request.data_options,
        "config": _config(request),
        "overrides": list(request.overrides),
        "seed": request.seed,
        "reuse": False,  # who trains on this machine wants to see it
        "min_ap": request.gate.min_ap,
        "gate_policy": request.gate.policy,
        "force_by": request.gate.force_by,
        "force_why": request.gate.force_why,
        "model_name": request.model_name,
        "model_repository": "s3://models",
        "triton_url": os.environ["SPARSEINST_TRITON_URL"],
        "client_url": os.environ["SPARSEINST_TRITON_URL"],
        "workspace": str(folder.resolve()),
    }
    return run_locally(train_to_triton, arguments, STEPS, folder, runner)


def _config(request: Request) -> str:
    """The configuration's name, or its file in full: a step may have another current folder."""
    path = Path(request.config)
    return str(path.resolve()) if path.is_file() else request.config


def _needed(request: Request) -> list[Path]:
    """What the steps read besides the run's folder: a configuration's file, and others that it names as its base."""
    path = Path(request.config)
    return [path.resolve().parent] if path.is_file() else []


@contextmanager
def _servers() -> Iterator[stack.StackState]:
    """The local servers. They stay up after the run, unless it is interrupted and had started them itself."""
    root = stack.default_root()
    were_up = _are_up(root)
    try:
        log.info("the local S3 and Triton servers: %s", "are up" if were_up else "starting")
        yield stack.up(root)
    except Interrupted:
        if not were_up:
            stack.down(root)
        raise


def _are_up(root: Path) -> bool:
    return stack.read_state(root) is not None and not any(server.problem for server in stack.status(root).servers)


def _report(outcome: Outcome, folder: Path, seconds: float) -> None:
    done = sum(step.state is State.SUCCEEDED for step in outcome.steps)
    lines = ["", f"{done} of {len(outcome.steps)} steps succeeded in {duration(seconds)}", *table(outcome.steps), ""]
    print("\n".join([*lines, *summary(outcome.steps, folder)]), flush=True)
