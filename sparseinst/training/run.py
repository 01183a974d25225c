"""Training as one call: resolves the configuration, starts the ranks, and hands back what they made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sparseinst.config import RunConfig, load_config
from sparseinst.training.order import Surroundings, TrainResult
from sparseinst.training.ranks.launch import launch_ranks
from sparseinst.training.ranks.shares import most_ranks, require_even_shares


def run_training(
    data: Path,
    output: Path,
    config: str,
    overrides: Sequence[str] = (),
    *,
    ranks: int | None = None,
    surroundings: Surroundings | None = None,
) -> TrainResult:
    """Trains with one rank per GPU (`train.cpu_ranks` where there is none), or the number given, until all is done.

    Where the batch cannot be shared by all GPUs evenly, the largest number of them that can share it is used.

    Under torchrun, this process is one of the ranks. Arguments and errors as `sparseinst.training.train.train`.
    """
    settings = load_config(config, overrides)
    surroundings = surroundings or Surroundings()
    if "RANK" in os.environ:
        return _train(data, output, settings, surroundings)
    batch_size = settings.train.batch_size
    count = ranks or most_ranks(batch_size, _gpus()) or settings.train.cpu_ranks
    if count == 1:
        return _train(data, output, settings, surroundings)
    require_even_shares(batch_size, count)
    arguments = ["--data", str(data), "--output", str(output), "--config", config]
    for override in overrides:
        arguments += ["--set", override]
    if surroundings.mirror:
        arguments += ["--mirror", surroundings.mirror]
    if surroundings.deadline_s:
        arguments += ["--deadline", f"{surroundings.deadline_s:g}"]
    launch_ranks(count, arguments)
    return TrainResult.of(output)


def _train(data: Path, output: Path, settings: RunConfig, surroundings: Surroundings) -> TrainResult:
    """In this process. The imports wait for it: they take seconds, and a process that only starts ranks needs none."""
    from sparseinst.training.train import train

    return train(data, output, settings, surroundings)


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
