"""`pytest tests/golden --goldens DIR` checks every sparse_inst_*.npz in DIR; the default is the light set here."""

from __future__ import annotations

from pathlib import Path

import pytest

LIGHT = Path(__file__).parent / "light"


def goldens_directory(config: pytest.Config) -> Path:
    return Path(config.getoption("--goldens") or LIGHT)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "golden_file" in metafunc.fixturenames:
        files = sorted(goldens_directory(metafunc.config).glob("sparse_inst_*.npz"))
        metafunc.parametrize("golden_file", files, ids=[file.stem for file in files], scope="module")
