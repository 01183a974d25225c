"""A node's cache fetches a file once, keeps to its bound, and is never the reason that a file cannot be read."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sparseinst.data.config import InputConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.loading.loader import training_loader
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.errors import StorageError
from sparseinst.imaging.write import write_image
from sparseinst.storage import node_cache, open_storage
from sparseinst.storage.directory import DirectoryStorage
from sparseinst.storage.node_cache import NodeCache, cache_folder


class CountingStorage(DirectoryStorage):
    """A directory that counts how often each file is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: Counter[str] = Counter()

    def read_bytes(self, key: str) -> bytes:
        self.reads[key] += 1
        return super().read_bytes(key)


def content(number: int, size: int = 100_000) -> bytes:
    return bytes([number % 256]) * size


@pytest.fixture
def storage(tmp_path: Path) -> CountingStorage:
    storage = CountingStorage(tmp_path / "bucket")
    for number in range(40):
        storage.write_bytes(f"{number}.jpg", content(number))
    return storage


def stored_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.val"))


def test_a_file_is_fetched_once(storage: CountingStorage, tmp_path: Path) -> None:
    for _ in range(2):  # a second run of the same node has it too
        cache = NodeCache(storage, tmp_path / "cache", 10**9)
        for _ in range(3):
            assert cache.read_bytes("7.jpg") == content(7)
    assert storage.reads == {"7.jpg": 1}


def test_equal_names_in_different_storages_do_not_meet(storage: CountingStorage, tmp_path: Path) -> None:
    other = CountingStorage(tmp_path / "other")
    other.write_bytes("7.jpg", b"another")
    for place, wanted in ((storage, content(7)), (other, b"another"), (storage, content(7))):
        assert NodeCache(place, tmp_path / "cache", 10**9).read_bytes("7.jpg") == wanted


def test_the_bound_holds_and_what_came_first_goes_first(storage: CountingStorage, tmp_path: Path) -> None:
    cache = NodeCache(storage, tmp_path / "cache", 3_000_000)
    for number in range(40):
        cache.read_bytes(f"{number}.jpg")
        assert stored_bytes(tmp_path / "cache") <= 3_000_000
    assert stored_bytes(tmp_path / "cache") > 1_500_000
    cache.read_bytes("39.jpg")
    cache.read_bytes("0.jpg")
    assert storage.reads["39.jpg"] == 1 and storage.reads["0.jpg"] == 2


def test_a_bound_of_nothing_keeps_nothing(storage: CountingStorage, tmp_path: Path) -> None:
    cache = NodeCache(storage, tmp_path / "cache", 0)
    assert cache.read_bytes("7.jpg") == cache.read_bytes("7.jpg") == content(7)
    assert stored_bytes(tmp_path / "cache") == 0


def test_what_is_missing_is_an_error_that_is_not_remembered(storage: CountingStorage, tmp_path: Path) -> None:
    cache = NodeCache(storage, tmp_path / "cache", 10**9)
    with pytest.raises(StorageError, match="late"):
        cache.read_bytes("late.jpg")
    storage.write_bytes("late.jpg", b"here")
    assert cache.read_bytes("late.jpg") == b"here"


@pytest.mark.parametrize("size", [10, 100_000])  # in the database, and in a file of its own
def test_a_damaged_entry_is_fetched_anew(tmp_path: Path, size: int) -> None:
    storage = CountingStorage(tmp_path / "bucket")
    storage.write_bytes("a", content(1, size))
    cache = NodeCache(storage, tmp_path / "cache", 10**9)
    cache.read_bytes("a")
    files = list((tmp_path / "cache").rglob("*.val"))
    for number, damage in enumerate((b"", b"short", bytes(size + 12))):
        for path in files:
            path.write_bytes(damage)
        with sqlite3.connect(tmp_path / "cache/cache.db") as database:
            database.execute("UPDATE Cache SET value = ? WHERE filename IS NULL", (damage,))
        database.close()
        assert cache.read_bytes("a") == content(1, size)
        assert storage.reads["a"] == number + 2
        assert cache.read_bytes("a") == content(1, size)
        assert storage.reads["a"] == number + 2
        files = list((tmp_path / "cache").rglob("*.val"))
    for path in files:
        path.unlink()
    assert cache.read_bytes("a") == content(1, size)


def test_nothing_is_unpickled(storage: CountingStorage, tmp_path: Path) -> None:
    import diskcache

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    with diskcache.Cache(str(tmp_path / "cache")) as foreign:
        foreign.set(f"{storage.uri}/7.jpg", Trap())
    assert NodeCache(storage, tmp_path / "cache", 10**9).read_bytes("7.jpg") == content(7)
    assert not (tmp_path / "sprung").exists()
    assert pickle.dumps(Trap())


def test_a_folder_that_is_of_no_use_costs_one_warning_and_no_file(
    storage: CountingStorage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/cache.db").write_bytes(b"no database" * 1000)
    for folder in (tmp_path / "file", tmp_path / "broken"):
        caplog.clear()
        cache = NodeCache(storage, folder, 10**9)
        for number in range(5):
            assert cache.read_bytes(f"{number}.jpg") == content(number)
        assert len(caplog.records) == 1
        assert str(folder) in caplog.text


def test_a_full_disk_costs_one_warning_and_leaves_no_half_file(
    storage: CountingStorage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = multiprocessing.get_context("fork").Process(target=_fill_up, args=(storage, tmp_path / "cache"))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert stored_bytes(tmp_path / "cache") == 0


def _fill_up(storage: CountingStorage, folder: Path) -> None:
    import resource

    warnings = []
    node_cache.log.warning = lambda *args: warnings.append(args)  # type: ignore[method-assign]
    cache = NodeCache(storage, folder, 10**9)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # writing on is refused, as on a full disk
    for number in range(5):
        assert cache.read_bytes(f"{number}.jpg") == content(number)
    assert len(warnings) == 1


def _read_all(storage: CountingStorage, folder: Path, rounds: int) -> None:
    cache = NodeCache(storage, folder, 1_500_000)
    for _ in range(rounds):
        for number in range(40):
            assert cache.read_bytes(f"{number}.jpg") == content(number)


def test_processes_share_it_and_may_be_killed_at_any_time(
    storage: CountingStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("fork")
    doomed = [context.Process(target=_read_all, args=(storage, tmp_path / "cache", 10_000)) for _ in range(3)]
    for process in doomed:
        process.start()
    for process in doomed:
        time.sleep(0.3)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    whole = [context.Process(target=_read_all, args=(storage, tmp_path / "cache", 2)) for _ in range(3)]
    for process in whole:
        process.start()
    for process in whole:
        process.join()
    assert [process.exitcode for process in whole] == [0, 0, 0]
    monkeypatch.setattr(node_cache, "_SECONDS_BETWEEN_SWEEPS", 0)
    monkeypatch.setattr(node_cache, "_LEFT_OVER_SECONDS", 0)
    NodeCache(storage, tmp_path / "cache", 1_500_000).read_bytes("1.jpg")  # opening it sweeps away what they left
    assert stored_bytes(tmp_path / "cache") <= 1_500_000


def test_a_fork_goes_on_with_an_open_cache(storage: CountingStorage, tmp_path: Path) -> None:
    cache = NodeCache(storage, tmp_path / "cache", 10**9)
    cache.read_bytes("1.jpg")
    process = multiprocessing.get_context("fork").Process(target=cache.read_bytes, args=("2.jpg",))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert cache.read_bytes("2.jpg") == content(2)
    assert storage.reads == {"1.jpg": 1}  # the fork's count is the fork's; its file is everybody's


def test_the_cache_folder_is_the_settings_or_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "here"))
    assert cache_folder("images") == tmp_path / "here/images"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="images") as caught:
        cache_folder("images")
    assert "SPARSEINST_CACHE" in caught.value.fix


@pytest.fixture
def bucket_uri(s3_uri: str) -> Iterator[str]:
    storage = open_storage(s3_uri)
    storage.write_bytes("train/1.jpg", content(1))
    return s3_uri


@pytest.mark.stack
def test_what_was_read_once_needs_no_server(bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = NodeCache(open_storage(bucket_uri), tmp_path / "cache", 10**9)
    assert cache.read_bytes("train/1.jpg") == content(1)
    with pytest.raises(StorageError, match=r"2\.jpg"):
        cache.read_bytes("train/2.jpg")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    offline = NodeCache(open_storage(bucket_uri), tmp_path / "cache", 10**9)
    assert offline.read_bytes("train/1.jpg") == content(1)
    with pytest.raises(StorageError):
        offline.read_bytes("train/3.jpg")


@pytest.mark.stack
def test_training_reads_images_that_were_left_in_a_bucket(
    s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "cache"))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    write_image(tmp_path / "0.png", pixels)
    square = [[10.0, 10.0, 30.0, 10.0, 30.0, 30.0, 10.0, 30.0]]
    content: dict[str, list[dict[str, object]]] = {"images": [], "annotations": [], "categories": []}
    content["categories"].append({"id": 1, "name": "square"})
    for number in range(6):
        open_storage(s3_uri).upload(tmp_path / "0.png", f"photos/{number}.png")
        content["images"].append({"id": number, "file_name": f"photos/{number}.png", "height": 40, "width": 60})
        content["annotations"].append({"id": number, "image_id": number, "category_id": 1, "segmentation": square})
    root = tmp_path / "data"
    (root / "annotations").mkdir(parents=True)
    (root / "annotations/train.json").write_text(json.dumps(content))
    (root / "images.json").write_text(json.dumps({"at": s3_uri}))
    images = TrainingImages(root, InputConfig(train_short_sides=(40,), flip=0.0))
    for attempt in range(2):
        batches = EndlessBatches(images.tall, batch_size=4, seed=0, start=0, stop=6)
        examples = [example for batch in training_loader(images, batches, workers=2) for example in batch]
        assert len(examples) == 24
        for example in examples:
            np.testing.assert_array_equal(example.image.permute(1, 2, 0), pixels)
            assert example.target.masks.sum() == 400
        if attempt == 0:  # from now on the cache has all of them
            open_storage(s3_uri).delete_prefix("photos")
