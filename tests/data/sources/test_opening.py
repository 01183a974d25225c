"""What a user may write for a source, and what a folder gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sparseinst.data.sources.archives import ArchiveSource
from sparseinst.data.sources.bucket import S3Source
from sparseinst.data.sources.local import DirectorySource
from sparseinst.data.sources.opening import open_source
from sparseinst.errors import DatasetError, StorageError
from tests.data.sources.packing import pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "my set"
    for name in ("b/a.jpg", "a.json", ".git/x.jpg", "b/.hidden.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_a_folder_gives_its_files_and_makes_no_other(folder: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.jpg").touch()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    with open_source(str(folder), tmp_path / "data") as source:
        assert source.uri == str(folder)
        assert source.names() == ["a.json", "b/a.jpg", "linked/c.jpg"]
        source.fetch(source.names())
        assert source.local("a.json") == folder / "a.json"
        with pytest.raises(StorageError, match=r"nothing\.jpg"):
            source.local("nothing.jpg")
        source.done()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "my set"]


def test_a_users_file_gets_a_second_name_and_is_never_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with open_source(str(folder), tmp_path / "data") as source:
        source.place("a.json", tmp_path / "data" / "x")
        assert os.path.samefile(folder / "a.json", tmp_path / "data" / "x")
        source.place("b/a.jpg", tmp_path / "data" / "x")  # in place of a second name of another file
        assert (folder / "a.json").read_text() == "a.json"

        def no_links(*_: object) -> None:
            raise OSError("no links here")

        monkeypatch.setattr("os.link", no_links)
        source.place("a.json", tmp_path / "data" / "x")
    assert (folder / "b" / "a.jpg").read_text() == "b/a.jpg"
    assert (tmp_path / "data" / "x").read_text() == "a.json"
    assert (folder / "a.json").exists()


def test_an_output_inside_the_folder_is_not_taken_for_data(folder: Path):
    (folder / "out").mkdir()
    (folder / "out" / "old.jpg").touch()
    (folder / "output.jpg").touch()
    with open_source(str(folder), folder / "out") as source:
        assert source.names() == ["a.json", "b/a.jpg", "output.jpg"]
    with pytest.raises(DatasetError, match="output is the source"), open_source(str(folder), folder):
        pass


def test_a_missing_folder_is_named_and_dvc_is_remembered(tmp_path: Path):
    with pytest.raises(DatasetError, match="no such directory"), open_source(f"{tmp_path}/no where", tmp_path / "d"):
        pass
    (tmp_path / "data.dvc").touch()
    with pytest.raises(DatasetError) as caught, open_source(str(tmp_path / "data"), tmp_path / "d"):
        pass
    assert "dvc pull" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("FOLDER", DirectorySource),
        ("s3://bucket/some prefix", S3Source),
        ("s3://bucket/a.zip", ArchiveSource),
        ("s3://bucket/my set.tar.gz", ArchiveSource),
        ("https://host/a?id=5 s3://bucket/b.tgz", ArchiveSource),
        ("https://host/a%20b.zip#sha256=0123456789", ArchiveSource),
        ("FOLDER.zip", ArchiveSource),
        ("coco2017", ArchiveSource),
    ],
)
def test_what_is_meant_is_told_by_how_it_is_written(text: str, kind: type, folder: Path, tmp_path: Path):
    pack(tmp_path / "my set.zip", "zip", {})
    with open_source(text.replace("FOLDER", str(folder)), tmp_path / "data") as source:
        assert isinstance(source, kind)
    assert not (tmp_path / ".data.source").exists()


def test_an_unknown_kind_of_place_is_refused_with_what_is_possible(tmp_path: Path):
    with pytest.raises(StorageError, match="gs://") as caught, open_source("gs://bucket/x", tmp_path / "data"):
        pass
    assert "s3://" in caught.value.fix and "coco2017" in caught.value.fix
