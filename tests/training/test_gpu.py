"""On a GPU: every precision, compiled and deterministic training. `make test-gpu`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sparseinst.training.train import train
from tests.training.recipe import assert_same_run, losses, recipe

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_what_float32_learns(sample: Path, tmp_path: Path, precision: str) -> None:
    train(sample, tmp_path / "fp32", recipe(iterations=20))
    train(sample, tmp_path / "half", recipe(iterations=20, precision=precision))
    full, half = losses(tmp_path / "fp32"), losses(tmp_path / "half")
    assert sum(half[-5:]) == pytest.approx(sum(full[-5:]), rel=0.1)


def test_compiled_training_computes_the_same(sample: Path, tmp_path: Path) -> None:
    train(sample, tmp_path / "plain", recipe())
    train(sample, tmp_path / "compiled", recipe(compile=True, channels_last=True))
    assert losses(tmp_path / "compiled") == pytest.approx(losses(tmp_path / "plain"), rel=1e-2)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_deterministic_runs_are_equal_to_the_last_bit(sample: Path, tmp_path: Path, precision: str) -> None:
    for name in ("one", "two"):
        train(sample, tmp_path / name, recipe(iterations=20, deterministic=True, precision=precision, norm="bn"))
    assert_same_run(tmp_path / "one", tmp_path / "two")
    assert torch.cuda.is_available()
