"""Stops a run on its way, twice, and compares what it ends with to a run that was left alone."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.train import train
from tests.training.recipe import (
    assert_same_run,
    command,
    finish,
    iterations,
    newest_state,
    recipe,
    start,
    wait_until,
)

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


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kills a process and all below it, as a node does that loses its power."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in family:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(family, timeout=20)
    process.communicate(timeout=20)


def interrupted(arguments: list[str], output: Path) -> None:
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
    finish(arguments)


def compare_with_an_undisturbed_run(sample: Path, folder: Path, ranks: int, precision: str) -> None:
    config = recipe(**FULL, precision=precision)
    if ranks == 1:
        train(sample, folder / "whole", config)
    else:
        finish(command(sample, folder / "whole", config, "--nproc", str(ranks)))
    arguments = command(sample, folder / "stopped", config, "--nproc", str(ranks))
    interrupted(arguments, folder / "stopped")
    assert_same_run(folder / "whole", folder / "stopped")
