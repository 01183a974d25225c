"""What an archive gives, and what archives are refused for: as a whole, before anything is unpacked."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from sparseinst.data.sources.opening import open_source
from sparseinst.errors import DatasetError, StorageError
from tests.data.sources.packing import KINDS, add, pack, some_files


def content_of(archive: Path, output: Path) -> dict[str, bytes]:
    with open_source(str(archive), output) as source:
        return {name: source.local(name).read_bytes() for name in source.names()}


def staged(output: Path) -> list[Path]:
    return list(output.with_name(f".{output.name}.source").glob("*/files/*/*"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_of_an_archive_come_out_as_they_went_in(kind: str, tmp_path: Path):
    """The kind is told by the content: the name does not matter."""
    files = some_files()
    archive = pack(tmp_path / "download", kind, files)
    before = archive.read_bytes()
    with open_source(str(archive), tmp_path / "data") as source:
        assert source.names() == sorted(files)
        source.fetch(source.names())
        for name in source.names():
            source.place(name, tmp_path / "data" / name)
        assert os.path.samefile(source.local(name), tmp_path / "data" / name), "one copy on the disk"
        source.done()
    assert {name: (tmp_path / "data" / name).read_bytes() for name in files} == files
    assert archive.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "download"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_a_data_set_can_need_is_unpacked(kind: str, tmp_path: Path):
    wanted = {"a.JPG": b"1", "b/c.png": b"2", "train.json": b"{}", "e.jpg": b""}
    others = ["readme.md", "run.sh", "__MACOSX/._a.jpg", ".hidden/a.jpg", "annotations/captions_train2017.json"]
    archive = pack(tmp_path / "x", kind, wanted | dict.fromkeys(others, b"no"))
    assert content_of(archive, tmp_path / "data") == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("/etc/cron.d/a.jpg", "absolute"),
        ("../a.jpg", "leads out"),
        ("x/../../a.json", "leads out"),
        ("C:/a.jpg", "Windows"),
        ("x\\..\\a.jpg", "Windows"),
        ("../readme.md", "leads out"),
    ],
)
def test_a_path_that_leads_out_is_refused(kind: str, name: str, problem: str, tmp_path: Path):
    archive = pack(tmp_path / "x", kind, {"good.jpg": b"1", name: b"2", "/b.jpg": b"3"})
    with pytest.raises(DatasetError, match="refused for 2 of its files") as caught:
        content_of(archive, tmp_path / "data")
    assert problem in caught.value.details[0] and "/b.jpg" in caught.value.details[1]
    assert staged(tmp_path / "data") == []


@pytest.mark.parametrize("kind", KINDS)
def test_two_files_of_one_name_are_refused(kind: str, tmp_path: Path):
    archive = pack(tmp_path / "x", kind, {"x/a.jpg": b"1", "x//a.jpg": b"2", "./x/a.jpg": b"3"})
    with pytest.raises(DatasetError, match="refused for 2") as caught:
        content_of(archive, tmp_path / "data")
    assert "second file" in caught.value.details[0]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "..", "C:\\x.jpg"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_that_leads_out_is_refused(target: str, kind: bytes, tmp_path: Path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add(tar, "a.jpg", type=kind, linkname=target)
    with pytest.raises(DatasetError, match="refused") as caught:
        content_of(tmp_path / "x.tar", tmp_path / "data")
    assert "leads out" in caught.value.details[0]


def test_a_link_to_a_file_of_the_archive_is_a_second_name_and_others_lead_nowhere(tmp_path: Path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add(tar, "x/a.jpg", b"1")
        add(tar, "x/hard.jpg", type=tarfile.LNKTYPE, linkname="x/a.jpg")
        add(tar, "y/soft.jpg", type=tarfile.SYMTYPE, linkname="../x/a.jpg")
        add(tar, "y/soft2.jpg", type=tarfile.SYMTYPE, linkname="soft.jpg")
        add(tar, "y/lost.jpg", type=tarfile.SYMTYPE, linkname="nothing.jpg")
        add(tar, "y/circle.jpg", type=tarfile.SYMTYPE, linkname="circle.jpg")
    names = ["x/a.jpg", "x/hard.jpg", "y/soft.jpg", "y/soft2.jpg"]
    assert content_of(tmp_path / "x.tar", tmp_path / "data") == dict.fromkeys(names, b"1")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_is_refused(kind: bytes, tmp_path: Path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add(tar, "a.jpg", type=kind)
    with pytest.raises(DatasetError, match="refused") as caught:
        content_of(tmp_path / "x.tar", tmp_path / "data")
    assert "device" in caught.value.details[0]


def test_a_link_in_a_zip_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("a.jpg")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="refused") as caught:
        content_of(tmp_path / "x.zip", tmp_path / "data")
    assert "link" in caught.value.details[0]


def test_an_encrypted_zip_is_refused(tmp_path: Path):
    archive = pack(tmp_path / "x.zip", "zip", {"a.jpg": b"secret"})
    edit_zip(archive, local=(6, b"\1"), central=(8, b"\1"))
    with pytest.raises(DatasetError, match="refused") as caught:
        content_of(archive, tmp_path / "data")
    assert "encrypted" in caught.value.details[0]


def test_a_zip_packed_in_an_unusual_way_is_refused(tmp_path: Path):
    archive = pack(tmp_path / "x.zip", "zip", {"a.jpg": b"1"}, method=zipfile.ZIP_LZMA)
    with pytest.raises(DatasetError, match="refused") as caught:
        content_of(archive, tmp_path / "data")
    assert "method" in caught.value.details[0]


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_bomb_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sparseinst.data.sources.members.HARMLESS_BYTES", 1 << 20)
    archive = pack(tmp_path / "x", kind, {f"{number}.jpg": bytes(1 << 20) for number in range(40)})
    assert archive.stat().st_size < (40 << 20) / 200
    with pytest.raises(DatasetError, match="far larger"):
        content_of(archive, tmp_path / "data")
    assert staged(tmp_path / "data") == []


def test_a_bomb_in_what_is_not_wanted_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A compressed tar has to be read through, whatever of it is wanted."""
    monkeypatch.setattr("sparseinst.data.sources.members.HARMLESS_BYTES", 1 << 20)
    archive = pack(tmp_path / "x", "tar.xz", {"a.bin": bytes(40 << 20), "a.jpg": b"1"})
    with pytest.raises(DatasetError, match="far larger"):
        content_of(archive, tmp_path / "data")


def test_more_files_than_any_data_set_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sparseinst.data.sources.members._MOST_MEMBERS", 10)
    for kind in ("zip", "tar"):
        archive = pack(tmp_path / kind, kind, {f"{number}.txt": b"" for number in range(11)})
        with pytest.raises(DatasetError, match="far larger"):
            content_of(archive, tmp_path / "data")


def test_files_that_lie_over_each_other_are_refused(tmp_path: Path):
    """The way of the bombs that are no larger than a file: many entries of the directory, one place."""
    archive = pack(tmp_path / "x.zip", "zip", {"a.jpg": b"1", "b.jpg": b"2"})
    content = archive.read_bytes()
    second = content.rindex(b"PK\1\2")
    archive.write_bytes(content[: second + 42] + struct.pack("<I", 0) + content[second + 46 :])
    with pytest.raises(DatasetError, match="reaches into the next"):
        content_of(archive, tmp_path / "data")


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_size_that_is_a_lie_is_found_out(size: int, tmp_path: Path):
    archive = pack(tmp_path / "x.zip", "zip", {"a.jpg": bytes(50_000)})
    edit_zip(archive, local=(22, struct.pack("<I", size)), central=(24, struct.pack("<I", size)))
    with pytest.raises(DatasetError, match="not as large"):
        content_of(archive, tmp_path / "data")
    assert staged(tmp_path / "data") == []


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_zip_is_found_by_its_checksum(method: int, tmp_path: Path):
    files = some_files()
    archive = pack(tmp_path / "x.zip", "zip", files, method=method)
    content = bytearray(archive.read_bytes())
    content[10_000] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DatasetError, match=r"damaged.*000000\.jpg"):
        content_of(archive, tmp_path / "data")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_an_archive_that_is_cut_off_is_damaged(kind: str, share: float, tmp_path: Path):
    archive = pack(tmp_path / "x", kind, some_files())
    os.truncate(archive, int(archive.stat().st_size * share))
    with pytest.raises(DatasetError, match="damaged"):
        content_of(archive, tmp_path / "data")
    assert staged(tmp_path / "data") == []


def test_a_tar_that_ends_between_two_files_is_damaged_too(tmp_path: Path):
    archive = pack(tmp_path / "x.tar", "tar", {"a.jpg": bytes(512), "b.jpg": bytes(512)})
    for end in (1024, 2048):
        os.truncate(archive, 4096)
        os.truncate(archive, end)
        with pytest.raises(DatasetError, match="damaged"):
            content_of(archive, tmp_path / "data")
        archive = pack(tmp_path / "x.tar", "tar", {"a.jpg": bytes(512), "b.jpg": bytes(512)})


def test_rubbish_in_a_tar_is_no_end(tmp_path: Path):
    archive = pack(tmp_path / "x.tar", "tar", {"a.jpg": b"1", "b.jpg": b"2"})
    content = bytearray(archive.read_bytes())
    content[1024:1536] = b"x" * 512
    archive.write_bytes(content)
    with pytest.raises(DatasetError, match="damaged"):
        content_of(archive, tmp_path / "data")


def test_a_header_of_gigabytes_is_not_read(tmp_path: Path):
    """The long form of a name is read at one go: it must not fill the memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 5 << 30
    (tmp_path / "x.tar").write_bytes(info.tobuf() + bytes(10_240))
    with pytest.raises(DatasetError, match="a header of"):
        content_of(tmp_path / "x.tar", tmp_path / "data")


@pytest.mark.parametrize(
    ("content", "problem"), [(b"<!DOCTYPE html>", "web page"), (b"hello", "no archive"), (b"", "no archive")]
)
def test_what_is_no_archive_says_so(content: bytes, problem: str, tmp_path: Path):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DatasetError, match=problem):
        content_of(tmp_path / "x.zip", tmp_path / "data")


def test_a_packed_file_that_is_no_tar_is_damaged(tmp_path: Path):
    import gzip

    (tmp_path / "train.json.gz").write_bytes(gzip.compress(b"{}" * 1000))
    with pytest.raises(DatasetError, match="damaged"):
        content_of(tmp_path / "train.json.gz", tmp_path / "data")


def test_a_disk_that_is_too_small_is_told_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Usage:
        free = 100_000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage())
    archive = pack(tmp_path / "x.zip", "zip", some_files())
    with pytest.raises(StorageError, match="not enough free space") as caught:
        content_of(archive, tmp_path / "data")
    assert caught.value.details[0].startswith("needed: ")
    assert staged(tmp_path / "data") == []


def test_a_file_that_is_in_two_archives_is_not_guessed_between(tmp_path: Path):
    first = pack(tmp_path / "a.zip", "zip", {"a.jpg": b"1", "b.jpg": b"2"})
    second = pack(tmp_path / "b.tar", "tar", {"a.jpg": b"3", "c.jpg": b"4"})
    with (
        pytest.raises(DatasetError, match="more than one") as caught,
        open_source(f"{first} {second}", tmp_path / "data") as source,
    ):
        source.names()
    assert caught.value.details == ("a.jpg",)


def test_a_local_archive_that_changed_is_unpacked_anew(tmp_path: Path):
    archive = pack(tmp_path / "x.tar", "tar", {"a.jpg": b"old"})
    assert content_of(archive, tmp_path / "data") == {"a.jpg": b"old"}
    pack(archive, "tar", {"a.jpg": b"new", "b.jpg": b"2"})
    assert content_of(archive, tmp_path / "data") == {"a.jpg": b"new", "b.jpg": b"2"}


def edit_zip(archive: Path, *, local: tuple[int, bytes], central: tuple[int, bytes]) -> None:
    """Writes bytes into the first file's header and into its entry of the directory, at offsets in these."""
    content = io.BytesIO(archive.read_bytes())
    for start, (offset, value) in ((0, local), (content.getvalue().rindex(b"PK\1\2"), central)):
        content.seek(start + offset)
        content.write(value)
    archive.write_bytes(content.getvalue())
