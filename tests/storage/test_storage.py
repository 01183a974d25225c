"""One set of promises, kept by a folder and by a bucket."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sparseinst.errors import StorageError
from sparseinst.storage import Storage, open_storage


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.stack)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    uri = request.getfixturevalue("s3_uri") if request.param == "s3" else str(tmp_path / "storage")
    return open_storage(uri)


def test_what_is_written_can_be_read_and_replaced(storage: Storage):
    storage.write_bytes("a/b.txt", b"one")
    assert storage.read_bytes("a/b.txt") == b"one"
    storage.write_bytes("a/b.txt", b"two")
    assert storage.read_bytes("a/b.txt") == b"two"


def test_a_prefix_is_a_folder_and_not_half_a_name(storage: Storage):
    for key in ("model/1/x", "model/config", "model_candidate/1/x", "z"):
        storage.write_bytes(key, b"")
    assert storage.list() == ["model/1/x", "model/config", "model_candidate/1/x", "z"]
    assert storage.list("model") == storage.list("model/") == ["model/1/x", "model/config"]
    assert storage.list("mod") == []
    storage.delete_prefix("model")
    assert storage.list() == ["model_candidate/1/x", "z"]


def test_an_empty_storage_lists_nothing(storage: Storage):
    assert storage.list() == []
    assert storage.list("any/where") == []


def test_entries_tell_the_size_and_the_time_of_the_last_change(storage: Storage):
    begin = time.time()
    storage.write_bytes("a/b", b"12345")
    storage.write_bytes("c", b"")
    entries = storage.entries()
    assert [(entry.key, entry.size) for entry in entries] == [("a/b", 5), ("c", 0)]
    assert all(abs(entry.modified - begin) < 60 for entry in entries)
    assert storage.entries("a") == entries[:1]


def test_deleting_a_file_that_is_gone_is_no_error(storage: Storage):
    storage.write_bytes("a", b"x")
    storage.delete("a")
    storage.delete("a")
    assert not storage.exists("a")


def test_a_file_that_is_not_there_is_named_in_the_error(storage: Storage, tmp_path: Path):
    storage.write_bytes("there", b"")
    assert storage.exists("there")
    assert not storage.exists("not/there")
    with pytest.raises(StorageError, match="not/there"):
        storage.read_bytes("not/there")
    with pytest.raises(StorageError, match="not/there") as caught:
        storage.download("not/there", tmp_path / "out")
    assert caught.value.fix
    assert not (tmp_path / "out").exists()


def test_of_many_who_create_the_same_file_exactly_one_wins(storage: Storage):
    storage.write_bytes("other", b"")  # the S3 client is made once, before the threads
    start, won = threading.Barrier(6), []

    def create(name: str) -> None:
        start.wait()
        if storage.create("lock", name.encode()):
            won.append(name)

    threads = [threading.Thread(target=create, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert storage.read_bytes("lock").decode() == won[0]
    assert storage.list() == ["lock", "other"]


def test_a_directory_goes_in_and_comes_out_the_same(storage: Storage, tmp_path: Path):
    source = tmp_path / "source"
    for number in range(20):
        file = source / f"folder {number % 3}" / f"ä{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([number]) * number)
    (source / ".hidden").write_text("no")
    storage.copy_in(source, "data")
    keys = storage.list("data")
    assert len(keys) == 20
    storage.copy_out(keys, tmp_path / "out")
    for key in keys:
        relative = key.removeprefix("data/")
        assert (tmp_path / "out" / key).read_bytes() == (source / relative).read_bytes()


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "", "a/../../x"])
def test_a_key_cannot_leave_the_storage(storage: Storage, key: str):
    with pytest.raises(StorageError):
        storage.write_bytes(key, b"")
    with pytest.raises(StorageError):
        storage.delete_prefix(key)


def test_copying_a_directory_that_is_not_there_says_so(storage: Storage, tmp_path: Path):
    with pytest.raises(StorageError, match="no such directory"):
        storage.copy_in(tmp_path / "missing")


def test_a_place_of_another_kind_is_refused_with_what_is_possible():
    with pytest.raises(StorageError, match="gs://") as caught:
        open_storage("gs://bucket/x")
    assert "s3://" in caught.value.fix
    with pytest.raises(StorageError, match="no bucket"):
        open_storage("s3://")
