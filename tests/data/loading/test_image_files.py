"""Images are read by their names, wherever they lie."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from sparseinst.data.loading.image_files import open_images
from sparseinst.errors import DatasetError, StorageError


@pytest.fixture
def left_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset directory whose images lie in another storage."""
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bucket/train").mkdir(parents=True)
    (tmp_path / "bucket/train/1.jpg").write_bytes(b"pixels")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/images.json").write_text(json.dumps({"at": str(tmp_path / "bucket")}))
    return tmp_path / "data"


def test_a_dataset_directory_has_its_images_in_images(tmp_path: Path) -> None:
    (tmp_path / "images/train").mkdir(parents=True)
    (tmp_path / "images/train/1.jpg").write_bytes(b"pixels")
    images = open_images(tmp_path)
    assert images.read("train/1.jpg") == b"pixels"
    assert images.local("train/1.jpg") == tmp_path / "images/train/1.jpg"
    with pytest.raises(DatasetError, match=r"(?s)does not exist.*train/2\.jpg"):
        images.read("train/2.jpg")
    with pytest.raises(DatasetError, match="cannot be read"):
        images.read("train")


def test_images_that_were_left_where_they_are_come_from_there_and_are_kept(
    left_elsewhere: Path, tmp_path: Path
) -> None:
    images = open_images(left_elsewhere)
    assert images.read("train/1.jpg") == b"pixels"
    with pytest.raises(StorageError, match=r"2\.jpg"):
        images.read("train/2.jpg")
    (tmp_path / "bucket/train/1.jpg").unlink()
    assert open_images(left_elsewhere).read("train/1.jpg") == b"pixels"
    copy = images.local("train/1.jpg")
    assert copy.read_bytes() == b"pixels" and copy.suffix == ".jpg"


def test_a_bound_of_nothing_asks_each_time(left_elsewhere: Path, tmp_path: Path) -> None:
    images = open_images(left_elsewhere, cache_gb=0)
    images.read("train/1.jpg")
    (tmp_path / "bucket/train/1.jpg").write_bytes(b"others")
    assert images.read("train/1.jpg") == b"others"


def test_they_go_to_other_processes(left_elsewhere: Path) -> None:
    images = open_images(left_elsewhere)
    images.read("train/1.jpg")
    assert pickle.loads(pickle.dumps(images)).read("train/1.jpg") == b"pixels"
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(images.read, ["train/1.jpg"] * 8)) == [b"pixels"] * 8


@pytest.mark.parametrize("text", ["", "{}", "[]", "7"])
def test_a_damaged_pointer_is_an_error_with_a_fix(tmp_path: Path, text: str) -> None:
    (tmp_path / "images.json").write_text(text)
    with pytest.raises(DatasetError) as caught:
        open_images(tmp_path)
    assert caught.value.fix
