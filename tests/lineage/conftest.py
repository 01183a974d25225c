from pathlib import Path

import pytest

from tests.serving.rollout.test_evidence import publish
from tests.serving.run_folder import make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


@pytest.fixture
def models(run: Path, tmp_path: Path) -> Path:
    publish(run, tmp_path / "models")
    return tmp_path / "models"
