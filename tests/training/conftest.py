"""Small data and a small recipe, for runs of seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sparseinst.data.ingest import IngestSettings, ingest
from tests.s3_server import s3_server, s3_uri  # noqa: F401
from tests.training.forked import Forge


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums come in another order with another number of threads, and the runs of these tests are compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn images to train on, four to measure on."""
    folder = tmp_path_factory.mktemp("data") / "sample"
    ingest("sample", folder, IngestSettings(train_images=12, val_images=4, version="md5:12.dir"))
    return folder


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Runs commands in processes that need not import torch."""
    forge = Forge(tmp_path_factory.mktemp("forge"))
    yield forge
    forge.close()
