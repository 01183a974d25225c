"""A run of two ranks that was killed and stopped on its way ends with the same bits as one that was left alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.training.forked import Forge
from tests.training.interruption import compare_with_an_undisturbed_run
from tests.training.recipe import start


def test_under_torchrun_killed_and_stopped_is_never_stopped(sample: Path, tmp_path: Path) -> None:
    compare_with_an_undisturbed_run(start, sample, tmp_path, "fp32", "--nproc", "2")


def test_in_half_precision_killed_and_stopped_is_never_stopped(forge: Forge, sample: Path, tmp_path: Path) -> None:
    compare_with_an_undisturbed_run(partial(forge.start, ranks=2), sample, tmp_path, "bf16")
