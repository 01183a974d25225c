"""The small data of the tests around, which tests here may damage: a copy each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def data(sample: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample, tmp_path / "data"))
