"""Stops a run on its way, twice, and compares what it ends with to a run that was left alone."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from sparseinst.training.checkpoint import load_checkpoint
from tests.training.forked import Job
from tests.training.recipe import assert_same_run, command, iterations, newest_state, recipe, wait_until

Process = subprocess.Popen[str] | Job

# Long enough that a run can be met on its way; with everything that a resumed run could get wrong.
FULL = {
    "iterations": 30,
    "ema_decay": 0.9,
    "clip_gradient_norm": 1.0,
    "checkpoint_every": 10,
    "log_every": 4,
    "eval_every": 25,
    "micro_batch": 1,
}


SLOW_DISK = Path(__file__).parent / "slow_disk"  # so that a write can be met


def kill_all(process: Process) -> None:
    """Kills a process and all below it, as a node does that loses its power."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in family:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(family, timeout=20)
    process.communicate(timeout=20)


def finish(process: Process) -> None:
    _, messages = process.communicate(timeout=240)
    assert process.returncode == 0, messages


def interrupted(start: Callable[..., Process], arguments: list[str], output: Path) -> None:
    """SIGKILL while a state is being written, then SIGTERM, then left to its end."""
    first = start(arguments, PYTHONPATH=str(SLOW_DISK))
    wait_until(lambda: any((output / "state").glob(".0000002*.tmp")), first)
    kill_all(first)
    assert list((output / "state").glob(".*.tmp"))
    assert newest_state(output).name.startswith("00000010")

    second = start(arguments)
    wait_until(lambda: iterations(output) > 5, second)
    second.send_signal(signal.SIGTERM)
    _, messages = second.communicate(timeout=60)
    assert second.returncode == 75, messages
    assert "resuming at iteration 10" in messages
    assert "Run the same command again" in messages
    assert not list((output / "state").glob(".*.tmp"))
    assert 10 < load_checkpoint(newest_state(output)).iteration < 30
    finish(start(arguments))


def compare_with_an_undisturbed_run(
    start: Callable[..., Process], sample: Path, folder: Path, precision: str, *options: str
) -> None:
    """`start` makes a process of a command; the options are added to the command."""
    config = recipe(**FULL, precision=precision)
    finish(start(command(sample, folder / "whole", config, *options)))
    arguments = command(sample, folder / "stopped", config, *options)
    interrupted(start, arguments, folder / "stopped")
    assert_same_run(folder / "whole", folder / "stopped")
