"""Deterministic mode trains with what torch calls deterministic, and gives the same bits twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from sparseinst.training.determinism import MatrixPool
from sparseinst.training.train import train
from tests.training.recipe import assert_same_run, recipe


@pytest.mark.parametrize("side", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(20, 27), (1, 1), (2, 7), (6, 6), (13, 40)])
def test_pooling_by_matrices_is_adaptive_pooling(side: int, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((2, 3, *size), generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn((2, 3, side, side), generator=generator, dtype=torch.float64)
    results = []
    for pool in (nn.AdaptiveAvgPool2d(side), MatrixPool(side)):
        x.grad = None
        out = pool(x)
        (out * weights).sum().backward()
        assert x.grad is not None
        results.append((out.detach(), x.grad.clone()))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)


def test_two_deterministic_runs_are_one_and_the_mode_ends_with_the_run(sample: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(sample, tmp_path / name, recipe(deterministic=True))
        assert not torch.are_deterministic_algorithms_enabled()
    assert_same_run(tmp_path / "one", tmp_path / "two")
    train(sample, tmp_path / "usual", recipe())  # the same but for the pooling
    usual, strict = (float((tmp_path / n / "metrics.jsonl").read_text()[:60].split()[3][:-1]) for n in ("usual", "one"))
    assert usual == pytest.approx(strict, rel=1e-5)
