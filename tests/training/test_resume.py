"""A run that was killed and stopped on its way ends with the same bits as one that was left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.forked import Forge
from tests.training.interruption import compare_with_an_undisturbed_run


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_killed_and_stopped_is_never_stopped(forge: Forge, sample: Path, tmp_path: Path, precision: str) -> None:
    compare_with_an_undisturbed_run(forge.start, sample, tmp_path, precision, "--nproc", "1")
