"""A source's version is what its DVC file says."""

from __future__ import annotations

from pathlib import Path

from sparseinst.data.ingest.version import data_version

ROOT = Path(__file__).parents[2]


def track(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    folder.with_name(f"{folder.name}.dvc").write_text(text)


def test_a_tracked_folder_has_the_hash_in_its_dvc_file(tmp_path: Path):
    track(tmp_path / "photos", "outs:\n- md5: 0123.dir\n  nfiles: 3\n  path: photos\n")
    assert data_version(str(tmp_path / "photos")) == "md5:0123.dir"


def test_a_part_of_a_tracked_folder_names_the_part(tmp_path: Path):
    track(tmp_path / "data", "outs:\n- md5: 0123.dir\n  path: data\n")
    (tmp_path / "data" / "sample").mkdir()
    assert data_version(str(tmp_path / "data" / "sample")) == "md5:0123.dir/sample"


def test_what_nobody_tracks_has_no_version(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    assert data_version(str(tmp_path / "photos")) == ""
    assert data_version("s3://bucket/photos") == ""
    assert data_version(str(tmp_path / "none")) == ""
    for number, text in enumerate(("", "outs: 5", "a: [", "outs:\n- md5: 1\n  path: other\n")):
        track(tmp_path / f"broken{number}", text)
        assert data_version(str(tmp_path / f"broken{number}")) == ""


def test_the_sample_of_this_repository_is_tracked():
    text = (ROOT / "data.dvc").read_text()
    assert "md5: " in text and "path: data" in text
