"""`pytest tests/golden --goldens DIR` checks every sparse_inst_*.npz in DIR; the default is the light set here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.golden_file import LIGHT, Golden, read_golden

# Two processes with two threads each share two cores (pytest -n 2): threads that spin while they wait would starve
# each other. It is read when torch is loaded, which is why torch is imported later and elsewhere.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def goldens_directory(config: pytest.Config) -> Path:
    return Path(config.getoption("--goldens") or LIGHT)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "golden_path" in metafunc.fixturenames:
        directory = goldens_directory(metafunc.config)
        paths = sorted(directory.glob("sparse_inst_*.npz"))
        if not paths:
            raise pytest.UsageError(f"there is no sparse_inst_*.npz in {directory}")
        metafunc.parametrize("golden_path", paths, ids=[path.stem for path in paths], scope="module")


@pytest.fixture(scope="session")
def goldens(pytestconfig: pytest.Config) -> Path:
    """The folder of golden files that is checked."""
    return goldens_directory(pytestconfig)


@pytest.fixture(scope="module")
def golden(golden_path: Path) -> Golden:
    return read_golden(golden_path)


@pytest.fixture(scope="module", autouse=True)
def arithmetic_of_the_reference() -> Iterator[None]:
    """Two threads and plain operations, as in the reference run.

    The number of threads decides how sums are split, and so how they round. Most models give the same figures to five
    digits either way; the deformable ones do not (`golden_model.looseness` says why). Their figures come out again only
    with the reference's sums: two threads, whatever OMP_NUM_THREADS says, and no fused operator of torchvision's.
    """
    import torch

    from sparseinst.model.backbones import deformable

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deformable, "has_compiled_operator", lambda: False)
        yield
    torch.set_num_threads(threads)
