"""Archives from a web server: one copy on the disk, and every attempt goes on where the last one ended."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparseinst.data.sources import coco2017
from sparseinst.data.sources.opening import open_source
from sparseinst.errors import ConfigError, DatasetError, StorageError
from sparseinst.storage.place import read_place
from sparseinst.storage.transfer import Transfer
from tests.conftest import ROOT
from tests.data.sources.packing import KINDS, pack, some_files
from tests.storage.file_server import FileServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("SPARSEINST_MIRROR", raising=False)
    monkeypatch.setattr("sparseinst.storage.download._FIRST_WAIT_S", 0.0)
    with FileServer() as server:
        yield server


def packed(folder: Path, kind: str, files: dict[str, bytes]) -> bytes:
    archive = pack(folder / "packed", kind, files)
    content = archive.read_bytes()
    archive.unlink()
    return content


def pin(content: bytes) -> str:
    return f"#sha256={hashlib.sha256(content).hexdigest()}"


def bring(source: str, output: Path, **official: object) -> dict[str, bytes]:
    with open_source(source, output, **official) as opened:  # type: ignore[arg-type]
        found = {name: opened.local(name).read_bytes() for name in opened.names()}
        opened.done()
    assert not staging(output).exists()
    return found


def staging(output: Path) -> Path:
    return output.with_name(f".{output.name}.source")


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder; one that goes away meanwhile has none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_downloaded_checked_and_unpacked(kind: str, server: FileServer, tmp_path: Path):
    files = some_files()
    server.files["x"] = content = packed(tmp_path, kind, files)
    assert bring(server.url("x") + pin(content), tmp_path / "data") == files
    assert len(server.requests) == 1


def test_several_archives_are_one_data_set(server: FileServer, tmp_path: Path):
    files, more = some_files(4), {"set/val2017/a.jpg": b"1"}
    server.files["a.zip"], local = packed(tmp_path, "zip", files), pack(tmp_path / "b.tgz", "tar.gz", more)
    assert bring(f"{server.url('a.zip')}\n {local}", tmp_path / "data") == files | more
    assert local.exists()


def test_an_archive_with_another_hash_is_refused(server: FileServer, tmp_path: Path):
    server.files["x.zip"] = packed(tmp_path, "zip", some_files())
    with pytest.raises(StorageError, match="not the one"):
        bring(server.url("x.zip") + "#sha256=00000000", tmp_path / "data")
    pack(tmp_path / "x.zip", "zip", some_files())
    with pytest.raises(StorageError, match="another hash"):
        bring(f"{tmp_path / 'x.zip'}#sha256=00000000", tmp_path / "data")
    with pytest.raises(ConfigError, match="not a SHA-256"):
        bring(server.url("x.zip") + "#sha256=what", tmp_path / "data")


def test_a_broken_download_goes_on_in_the_next_attempt(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    server.files["x.zip"] = content = packed(tmp_path, "zip", some_files(20))
    server.cuts = [200_000]
    monkeypatch.setattr("sparseinst.storage.download._FAILURES_IN_A_ROW", 1)
    with pytest.raises(StorageError):
        bring(server.url("x.zip"), tmp_path / "data")
    assert bring(server.url("x.zip") + "", tmp_path / "data") == some_files(20)
    assert server.requests[1].range is not None
    assert server.requests[1].sent < len(content) - 100_000


KILLED = """
import os, signal, sys, pathlib
from sparseinst.data.sources import unpack
from sparseinst.data.sources.opening import open_source
from sparseinst.storage.transfer import Transfer
unpack._CUT_BYTES = 50_000
advance, left = Transfer.advance, int(sys.argv[3])
def count(self, amount=1):
    global left
    if self.doing.startswith("unpacking"):
        left -= amount
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    advance(self, amount)
Transfer.advance = count
with open_source(sys.argv[1], pathlib.Path(sys.argv[2])) as source:
    source.names()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_killed_while_unpacking_the_next_attempt_goes_on(kind: str, server: FileServer, tmp_path: Path):
    """Several times over: whatever was taken out and cut off stays so, and nothing is downloaded again."""
    files = some_files(20)
    server.files["x"] = content = packed(tmp_path, kind, files)
    for _ in range(3):
        arguments = [server.url("x"), str(tmp_path / "data"), "150000"]
        process = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, check=False)
        assert process.returncode == -signal.SIGKILL
    archive = staging(tmp_path / "data") / "archive0" / "archive"
    assert archive.stat().st_size == len(content) if "." in kind else archive.stat().st_size < len(content) * 0.6
    assert bring(server.url("x"), tmp_path / "data") == files
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_there_is_one_copy_on_the_disk_all_the_time(
    kind: str, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    files = some_files(100, 50_000)
    server.files["x"] = content = packed(tmp_path, kind, files)
    monkeypatch.setattr("sparseinst.data.sources.unpack._CUT_BYTES", 400_000)
    most, advance = 0, Transfer.advance

    def watched(self: Transfer, amount: int = 1) -> None:
        nonlocal most
        most = max(most, size_of(staging(tmp_path / "data")))
        advance(self, amount)

    monkeypatch.setattr(Transfer, "advance", watched)
    assert bring(server.url("x"), tmp_path / "data") == files
    assert len(content) < most < 1.2 * len(content)


def test_files_that_are_gone_with_their_archive_are_downloaded_anew(
    server: FileServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    server.files["x.zip"] = packed(tmp_path, "zip", some_files())
    with open_source(server.url("x.zip"), tmp_path / "data") as source:
        source.local(source.names()[2]).write_bytes(b"what a power cut leaves")
    assert bring(server.url("x.zip"), tmp_path / "data") == some_files()
    assert "downloaded anew" in caplog.text
    assert len(server.requests) == 2


def test_a_damaged_archive_is_downloaded_again_by_the_next_attempt(server: FileServer, tmp_path: Path):
    whole = packed(tmp_path, "zip", some_files())
    server.files["x.zip"] = whole[:5000] + b"x" + whole[5001:]
    with pytest.raises(DatasetError, match="damaged"):
        bring(server.url("x.zip"), tmp_path / "data")
    server.files["x.zip"] = whole
    assert bring(server.url("x.zip"), tmp_path / "data") == some_files()


def test_one_archive_that_is_missing_is_named_and_the_others_stay(server: FileServer, tmp_path: Path):
    server.files["a.zip"] = packed(tmp_path, "zip", some_files())
    source = f"{server.url('a.zip')} {server.url('b.zip')}"
    with pytest.raises(StorageError, match="no such file") as caught:
        bring(source, tmp_path / "data")
    assert caught.value.where == server.url("b.zip")
    server.files["b.zip"] = packed(tmp_path, "zip", {"b.jpg": b"1"})
    assert len(bring(source, tmp_path / "data")) == len(some_files()) + 1
    assert [seen.path for seen in server.requests if seen.status == 200].count("/a.zip") == 1


def test_a_disk_that_cannot_hold_the_download_is_told_at_once(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Usage:
        free = 100_000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage())
    server.files["x.zip"] = packed(tmp_path, "zip", some_files())
    with pytest.raises(StorageError, match=r"free space for downloading"):
        bring(server.url("x.zip"), tmp_path / "data")


def test_what_is_secret_in_an_address_is_neither_kept_nor_said(server: FileServer, tmp_path: Path):
    server.files["x.zip"] = packed(tmp_path, "zip", some_files())
    address = server.url("x.zip?token=hunter2").replace("http://", "http://me:hunter2@")
    with open_source(address, tmp_path / "data") as source:
        assert source.uri == server.url("x.zip")
        source.names()
    texts = [path.read_bytes() for path in staging(tmp_path / "data").rglob("*") if path.is_file()]
    assert not any(b"hunter2" in text for text in texts)


def test_official_archives_come_from_the_mirror_and_are_checked(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    train, tables = some_files(5), {"annotations/instances_val2017.json": b"{}"}
    contents = {
        "train2017.zip": packed(tmp_path, "zip", train),
        "annotations_trainval2017.zip": packed(tmp_path, "zip", tables),
    }
    table = {"coco2017": [f"http://images.invalid/zips/{name}{pin(content)}" for name, content in contents.items()]}
    server.files = {f"mirror/{name}": content for name, content in contents.items()}
    monkeypatch.setenv("SPARSEINST_MIRROR", server.url("mirror"))
    assert bring("coco2017", tmp_path / "data", official=table) == train | tables

    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("SPARSEINST_MIRROR", str(tmp_path / "mirror"))
    for name, content in contents.items():
        (tmp_path / "mirror" / name).write_bytes(content)
    assert bring("coco2017", tmp_path / "data", official=table) == train | tables
    assert {path.name: path.read_bytes() for path in (tmp_path / "mirror").iterdir()} == contents

    (tmp_path / "mirror" / "train2017.zip").write_bytes(contents["train2017.zip"] + b"x")
    with pytest.raises(StorageError, match="another hash"):
        bring("coco2017", tmp_path / "data", official=table)


def test_cocos_archives_are_three_and_all_are_pinned():
    places = [read_place(archive) for archive in coco2017.ARCHIVES]
    assert {place.name for place in places} == {"train2017.zip", "val2017.zip", "annotations_trainval2017.zip"}
    assert all(len(place.sha256) == 64 for place in places)


def test_without_a_network_the_mirror_is_named(server: FileServer, tmp_path: Path):
    server.statuses = [503] * 5
    with pytest.raises(StorageError) as caught:
        bring(server.url("x.zip"), tmp_path / "data")
    assert "SPARSEINST_MIRROR" in caught.value.fix
    assert not staging(tmp_path / "data").exists()
