from pathlib import Path

import pytest

from tests.serving.run_folder import make_run
from tests.serving.test_evidence import publish


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


@pytest.fixture
def models(run: Path, tmp_path: Path) -> Path:
    publish(run, tmp_path / "models")
    return tmp_path / "models"
