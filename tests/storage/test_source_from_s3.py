"""A data set in a bucket comes whole over a network that fails, and goes on after a kill."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparseinst.data.sources.base import Source
from sparseinst.data.sources.bucket import _FILES_AT_A_TIME
from sparseinst.data.sources.opening import open_source
from sparseinst.errors import StorageError
from sparseinst.storage import open_storage
from tests.conftest import ROOT
from tests.storage.proxy import Proxy

pytestmark = pytest.mark.stack

FILES = {f"images/{number:03d} ä.jpg": bytes([number]) * (20_000 + number) for number in range(40)}
FILES |= {"annotations/train.json": b"{}", "empty.png": b""}


@pytest.fixture
def bucket(s3_uri: str) -> str:
    """A place in the bucket that holds FILES, and some that are hidden."""
    storage = open_storage(s3_uri)
    for name, content in FILES.items():
        storage.write_bytes(name, content)
    storage.write_bytes(".cache/x.jpg", b"hidden")
    return s3_uri


@pytest.fixture
def proxy(bucket: str, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr("sparseinst.storage.s3_fetch._FIRST_WAIT_S", 0.01)
    with Proxy(s3_server["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "sparseinst")
    return caplog


def bring(source: Source, output: Path) -> dict[str, bytes]:
    """Places every file, and reads what was placed."""
    names = source.names()
    source.fetch(names)
    for name in names:
        source.place(name, output / name)
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def staging(output: Path) -> Path:
    return output.with_name(f".{output.name}.source")


def whole(output: Path) -> int:
    return sum(path.is_file() and not path.name.startswith(".") for path in staging(output).glob("files/*/*"))


def test_every_file_of_a_bucket_comes_and_nothing_is_left_behind(bucket: str, tmp_path: Path):
    with open_source(bucket, tmp_path / "data") as source:
        assert source.names() == sorted(FILES)
        assert source.local("annotations/train.json").read_bytes() == b"{}"
        assert bring(source, tmp_path / "data") == FILES
        one = source.local("images/000 ä.jpg")
        assert os.path.samefile(one, tmp_path / "data" / "images" / "000 ä.jpg"), "one copy on the disk"
        source.done()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_killed_process_leaves_what_the_next_one_goes_on_from(
    bucket: str, proxy: Proxy, tmp_path: Path, said: pytest.LogCaptureFixture
):
    proxy.hold_after = 12
    code = "import sys, pathlib; from sparseinst.data.sources.opening import open_source\n"
    code += "with open_source(sys.argv[1], pathlib.Path(sys.argv[2])) as source: source.fetch(source.names())"
    process = subprocess.Popen([sys.executable, "-c", code, bucket, str(tmp_path / "data")], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while proxy.waiting < _FILES_AT_A_TIME and time.monotonic() < deadline:  # then nothing is on the way
            time.sleep(0.01)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    here = whole(tmp_path / "data")
    assert here >= 10
    proxy.release()
    proxy.read.clear()
    with open_source(bucket, tmp_path / "data") as source:
        assert bring(source, tmp_path / "data") == FILES
        source.done()
    assert Counter(proxy.read).most_common(1)[0][1] == 1
    assert len(proxy.read) == len(FILES) - here
    assert f"{here} of {len(FILES)} files" in said.text
    assert not staging(tmp_path / "data").exists()


def test_an_object_that_changed_between_the_attempts_comes_again(
    bucket: str, proxy: Proxy, s3_server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    output, name = tmp_path / "data", "images/007 ä.jpg"
    with pytest.raises(RuntimeError), open_source(bucket, output) as source:
        source.fetch(source.names())
        raise RuntimeError("something else fails")
    assert whole(output) == len(FILES)
    proxy.read.clear()
    new = b"n" * len(FILES[name])
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server["AWS_ENDPOINT_URL"])
    storage = open_storage(bucket)

    def second_of_change() -> int:
        return next(int(entry.modified) for entry in storage.entries() if entry.key == name)

    before = second_of_change()
    while second_of_change() == before:  # until the server's clock shows another second
        storage.write_bytes(name, new)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    with open_source(bucket, output) as source:
        assert bring(source, output) == FILES | {name: new}
    assert proxy.read == ["007 ä.jpg"]


@pytest.mark.parametrize("fault", [503, 500, 429, "cut", "silence"])
def test_what_may_be_over_soon_is_tried_again(
    bucket: str, proxy: Proxy, tmp_path: Path, fault: int | str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sparseinst.storage.s3._TIMEOUTS_S", (5, 1.0))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # so that the project's own patience is what helps
    proxy.faults, proxy.faults_of_lists = [fault] * 5, [fault]
    with open_source(bucket, tmp_path / "data") as source:
        assert bring(source, tmp_path / "data") == FILES
    assert len(proxy.read) == len(FILES) + 5
    assert not proxy.faults and not proxy.faults_of_lists


def test_a_large_object_comes_in_ranges_and_a_cut_one_is_mended(
    bucket: str, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sparseinst.storage.s3_fetch._LARGE_BYTES", 10_000)
    proxy.faults = ["cut"]
    with open_source(bucket, tmp_path / "data") as source:
        assert source.local("images/001 ä.jpg").read_bytes() == FILES["images/001 ä.jpg"]
    assert proxy.read == ["001 ä.jpg"] * 2


def test_a_server_that_stays_ill_is_given_up_and_what_came_stays(
    bucket: str, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with open_source(bucket, tmp_path / "data") as source:
        source.fetch(source.names()[:10])
    proxy.faults = [503] * 10_000
    with pytest.raises(StorageError, match="503"), open_source(bucket, tmp_path / "data") as source:
        source.fetch(source.names())
    assert whole(tmp_path / "data") == 10


def test_a_wrong_secret_is_refused_at_once_and_leaves_nothing(
    bucket: str, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageError) as caught, open_source(bucket, tmp_path / "data") as source:
        source.names()
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.fix
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_goes_away_meanwhile_is_named(bucket: str, tmp_path: Path):
    with pytest.raises(StorageError, match="013 ä"), open_source(bucket, tmp_path / "data") as source:
        names = source.names()
        open_storage(bucket).delete("images/013 ä.jpg")
        source.fetch(names)


def test_another_source_for_the_same_output_begins_anew(bucket: str, tmp_path: Path, said: pytest.LogCaptureFixture):
    with open_source(bucket, tmp_path / "data") as source:
        source.fetch(source.names())
    with open_source(f"{bucket}/images", tmp_path / "data") as source:
        assert whole(tmp_path / "data") == 0
        assert "000 ä.jpg" in source.names()
    assert "another source" in said.text


def test_two_cannot_make_the_same_output_at_once(bucket: str, tmp_path: Path):
    with open_source(bucket, tmp_path / "data"):
        with pytest.raises(StorageError, match="Another ingest"), open_source(bucket, tmp_path / "data"):
            pass
        with open_source(bucket, tmp_path / "other"):
            pass


def test_where_the_file_system_cannot_link_a_file_is_moved(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_links(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", no_links)
    with open_source(bucket, tmp_path / "data") as source:
        assert bring(source, tmp_path / "data") == FILES
        assert whole(tmp_path / "data") == 0
        source.place("images/000 ä.jpg", tmp_path / "data" / "again.jpg")
    assert (tmp_path / "data" / "again.jpg").read_bytes() == FILES["images/000 ä.jpg"]


def test_a_full_disk_is_told_before_anything_is_fetched(
    bucket: str, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage())
    with pytest.raises(StorageError, match="free space") as caught, open_source(bucket, tmp_path / "data") as source:
        source.fetch(source.names())
    assert any("needed" in detail for detail in caught.value.details)
    assert proxy.read == []


class _Usage:
    free = 1000


def test_an_archive_in_a_bucket_is_unpacked(s3_uri: str, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    open_storage(s3_uri).upload(tmp_path / "set.zip", "my set.zip")
    with open_source(f"{s3_uri}/my set.zip", tmp_path / "data") as source:
        assert bring(source, tmp_path / "data") == FILES
        source.done()
    assert not staging(tmp_path / "data").exists()
