"""Small data and a small recipe, for runs of seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparseinst.data.ingest import IngestSettings, ingest


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn images to train on, four to measure on."""
    folder = tmp_path_factory.mktemp("data") / "sample"
    ingest("sample", folder, IngestSettings(train_images=12, val_images=4, version="md5:12.dir"))
    return folder
