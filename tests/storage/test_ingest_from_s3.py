"""A data set in a bucket is brought in as one in a folder is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparseinst.data.ingest import ingest
from sparseinst.data.sample.write import write_sample
from sparseinst.errors import DatasetError, StorageError
from sparseinst.storage import open_storage

pytestmark = pytest.mark.stack


def test_a_bucket_gives_the_same_dataset_as_the_folder_it_was_filled_from(s3_uri: str, tmp_path: Path):
    write_sample(tmp_path / "sample", train=20, val=5, seed=0)
    open_storage(s3_uri).copy_in(tmp_path / "sample")
    from_bucket = ingest(s3_uri, tmp_path / "from-bucket")
    from_folder = ingest(str(tmp_path / "sample"), tmp_path / "from-folder")
    assert from_bucket.manifest["id"] == from_folder.manifest["id"]


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
