"""A GPU whose memory is too small is an error that says what to set, not a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sparseinst.errors import ConfigError, TrainingError
from sparseinst.training import micro_batch as micro_batch_module
from sparseinst.training.learner import Learner
from sparseinst.training.train import train
from tests.training.recipe import recipe


def test_a_step_that_does_not_fit_says_which_setting_helps(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: Learner, *_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")

    monkeypatch.setattr(Learner, "step", step)
    with pytest.raises(TrainingError, match="does not hold 4 images of") as caught:
        train(sample, tmp_path, recipe())
    assert "train.micro_batch=2" in caught.value.fix
    assert "Tried to allocate" in caught.value.where


def test_micro_batches_are_as_large_as_the_memory_allows(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparseinst.manifest import read_manifest
    from sparseinst.training.plan.largest import largest_micro_batch

    config = recipe(iterations=1, batch_size=8, reference_batch=8)
    per_size = {count: smallest_memory(largest_micro_batch, config, count) for count in (1, 8)}
    between = (per_size[1] + per_size[8]) // 2
    monkeypatch.setattr(micro_batch_module, "_memory", lambda ranks: between)
    train(sample, tmp_path / "some", config)
    assert read_manifest(tmp_path / "some")["facts"]["micro_batch"] in (2, 4)
    monkeypatch.setattr(micro_batch_module, "_memory", lambda ranks: per_size[1] // 2)
    with pytest.raises(ConfigError, match="One image of"):
        train(sample, tmp_path / "none", config)


def smallest_memory(largest_micro_batch: Any, config: Any, count: int) -> int:
    """The least memory, to within a MB, in which so many images of the drawn data fit at a time."""
    low, high = 0, 1 << 33
    while high - low > 1 << 20:
        middle = (low + high) // 2
        try:
            fits = largest_micro_batch(config, 4, middle, 8, on_cpu=True) >= count
        except ConfigError:
            fits = False
        low, high = (low, middle) if fits else (middle, high)
    return high
