"""What the tests of training share: a tiny recipe, the command as a process, and how two runs are compared."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from sparseinst.config import RunConfig
from sparseinst.data.config import InputConfig
from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.config import TrainConfig
from tests.tiny import TINY

INPUT = InputConfig(train_short_sides=(48, 64), train_longest_side=96, short_side=64, longest_side=96, workers=0)


def recipe(**train_settings: Any) -> RunConfig:
    """Six iterations of four images."""
    values = {"iterations": 6, "batch_size": 4, "reference_batch": 4, "lr": 1e-3, "warmup_iterations": 2}
    values |= {"log_every": 1, "eval_every": 0, **train_settings}
    workers, norm = values.pop("workers", 0), values.pop("norm", "frozen_bn")
    inputs = dataclasses.replace(INPUT, workers=workers)
    return RunConfig(model=dataclasses.replace(TINY, norm=norm), input=inputs, train=TrainConfig(**values))  # type: ignore[arg-type]


def command(data: Path, output: Path, config: RunConfig, *options: str) -> list[str]:
    """`sparseinst train` with this configuration."""
    file = output.parent / f"{output.name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(config.to_dict()))
    start = [sys.executable, "-m", "sparseinst", "train", "--data", str(data), "--output", str(output)]
    return [*start, "--config", str(file), *options]


def start(arguments: list[str], **environment: str) -> subprocess.Popen[str]:
    """A process whose stderr can be read; in a session of its own, so that all of it can be killed."""
    everything = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=everything, start_new_session=True)


def finish(arguments: list[str], **environment: str) -> str:
    """Runs a command that must succeed; its messages."""
    everything = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=240, env=everything)
    assert done.returncode == 0, done.stderr
    return done.stderr


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def iterations(output: Path) -> int:
    """How many iterations the run's log has."""
    path = output / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.is_file() else 0


def newest_state(output: Path) -> Path:
    return max((output / "state").glob("0*.pt"))


def losses(output: Path) -> list[float]:
    records = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    return [record["loss"] for record in records if "loss" in record]


def assert_same_run(one: Path, other: Path) -> None:
    """Weights, optimizer, average, scaler and the metrics' log are equal to the last bit."""
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    a, b = load_checkpoint(newest_state(one)), load_checkpoint(newest_state(other))
    assert a.iteration == b.iteration
    assert_same(dict(a.weights), dict(b.weights))
    assert a.training is not None and b.training is not None
    for name in ("optimizer", "scaler", "ema", "model", "progress"):
        assert_same(a.training.get(name), b.training.get(name), name)
    assert_same(load_checkpoint(one / "checkpoint.pt").weights, load_checkpoint(other / "checkpoint.pt").weights)


def assert_same(one: Any, other: Any, where: str = "") -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    else:
        assert one == other, where
