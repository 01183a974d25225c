"""A data set in a bucket is brought in as one in a folder is."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sparseinst.data.config import InputConfig
from sparseinst.data.directory import validation_images
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.data.loading.dataset import Key, TrainingImages
from sparseinst.data.sample.write import write_sample
from sparseinst.data.sources.bucket import _FILES_AT_A_TIME
from sparseinst.errors import ConfigError, DatasetError, StorageError
from sparseinst.storage import open_storage
from tests.conftest import ROOT
from tests.storage.proxy import Proxy

pytestmark = pytest.mark.stack


def test_a_bucket_gives_the_same_dataset_as_the_folder_it_was_filled_from(s3_uri: str, tmp_path: Path):
    write_sample(tmp_path / "sample", train=20, val=5, seed=0)
    open_storage(s3_uri).copy_in(tmp_path / "sample")
    from_bucket = ingest(s3_uri, tmp_path / "from-bucket")
    from_folder = ingest(str(tmp_path / "sample"), tmp_path / "from-folder")
    assert from_bucket.manifest["id"] == from_folder.manifest["id"]


def test_an_ingest_that_is_killed_goes_on_and_ends_like_one_from_a_folder(
    s3_uri: str, s3_server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_sample(tmp_path / "sample", train=40, val=20, seed=0)
    open_storage(s3_uri).copy_in(tmp_path / "sample")
    code = (
        "import sys, pathlib; from sparseinst.data.ingest import ingest; ingest(sys.argv[1], pathlib.Path(sys.argv[2]))"
    )
    with Proxy(s3_server["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        proxy.hold_after = 25
        process = subprocess.Popen([sys.executable, "-c", code, s3_uri, str(tmp_path / "data")], cwd=ROOT)
        try:
            deadline = time.monotonic() + 60
            while proxy.waiting < _FILES_AT_A_TIME and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "data").exists(), "nothing has the final name before it is complete"
        proxy.release()
        proxy.read.clear()
        proxy.faults = [503, "cut"]
        from_bucket = ingest(s3_uri, tmp_path / "data")
        assert len(proxy.read) < 60 - 20 + 2, "only what was missing is read again"
    from_folder = ingest(str(tmp_path / "sample"), tmp_path / "from-folder")
    assert from_bucket.manifest["id"] == from_folder.manifest["id"]
    assert files_of(tmp_path / "data") == files_of(tmp_path / "from-folder")
    assert not (tmp_path / ".data.source").exists()


def files_of(folder: Path) -> dict[str, bytes]:
    """The images and annotations of a dataset directory."""
    kinds = ("images", "annotations")
    paths = [path for kind in kinds for path in (folder / kind).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_lost_image_is_found_before_anything_is_copied(s3_uri: str, tmp_path: Path):
    write_sample(tmp_path / "sample", train=3, val=3, seed=0)
    storage = open_storage(s3_uri)
    storage.copy_in(tmp_path / "sample")
    storage.delete("images/train/000001.jpg")
    with pytest.raises(DatasetError) as caught:
        ingest(s3_uri, tmp_path / "data")
    assert "/images/1/file_name" in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_an_empty_place_and_a_wrong_secret_say_so(s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DatasetError, match="no annotations"):
        ingest(s3_uri, tmp_path / "data")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageError):
        ingest(s3_uri, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_images_that_stay_in_the_bucket_are_trained_and_measured_from_there(
    s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_sample(tmp_path / "sample", train=4, val=2, seed=0)
    open_storage(s3_uri).copy_in(tmp_path / "sample")
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "cache"))
    settings = IngestSettings(leave_images=True)
    left = ingest(s3_uri, tmp_path / "left", settings).location
    assert not (left / "images").exists()
    here = ingest(str(tmp_path / "sample"), tmp_path / "here").location
    config = InputConfig(train_short_sides=(64,))
    both = [TrainingImages(folder, config) for folder in (left, here)]
    assert len(both[0]) == len(both[1]) == 4
    for image in range(4):
        far, near = (images[Key(image, seed=0, position=image, batch=0)] for images in both)
        assert far.image_id == near.image_id
        assert torch.equal(far.image, near.image)
        assert torch.equal(far.target.masks, near.target.masks)
    assert [path.read_bytes() for path in validation_images(left, 2)] == [
        path.read_bytes() for path in validation_images(here, 2)
    ]
    with pytest.raises(ConfigError, match="bucket"):
        ingest(str(tmp_path / "sample"), tmp_path / "local", settings)
