"""`sparseinst check` looks at files, at files with their images, and at whole folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparseinst.data.checks.survey import survey
from sparseinst.errors import DatasetError
from tests.data.checks.zoo import GOOD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Train and val with two images each; no picture is there twice."""
    random = np.random.default_rng(0)
    (tmp_path / "annotations").mkdir()
    for split in ("train", "val"):
        (tmp_path / "annotations" / f"{split}.json").write_text(json.dumps(GOOD))
        (tmp_path / "images" / split).mkdir(parents=True)
        for image in GOOD["images"]:
            pixels = random.integers(0, 256, (image["height"], image["width"], 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / split / image["file_name"], quality=95)
    return tmp_path


def found(*places: Path, images: Path | None = None) -> list[tuple[str, str, str]]:
    return [(finding.code, Path(finding.file).name, finding.pointer) for finding in survey(places, images).findings]


def test_a_good_folder_has_no_findings(folder: Path):
    assert found(folder) == []


def test_a_missing_image_is_found_once(folder: Path):
    (folder / "images" / "val" / "b.jpg").unlink()
    expected = [("IMG-FILE", "val.json", "/images/1/file_name")]
    assert found(folder) == expected
    assert found(folder / "annotations" / "val.json", images=folder / "images" / "val") == expected
    assert found(folder / "annotations" / "val.json") == []


def test_a_picture_in_train_and_in_val_is_found(folder: Path):
    shutil.copy(folder / "images" / "train" / "b.jpg", folder / "images" / "val" / "b.jpg")
    assert found(folder) == [("IMG-LEAK", "val.json", "/images/1")]


def test_a_picture_that_is_there_twice_is_found(folder: Path):
    content = json.loads((folder / "annotations" / "train.json").read_text())
    content["images"][0].update(height=40, width=30)
    content["annotations"][1]["segmentation"] = {"size": [40, 30], "counts": [42, 5, 1153]}
    content["annotations"][0]["bbox"] = [1, 1, 5, 4]
    (folder / "annotations" / "train.json").write_text(json.dumps(content))
    shutil.copy(folder / "images" / "train" / "b.jpg", folder / "images" / "train" / "a.jpg")
    assert ("IMG-TWICE", "train.json", "/images/1") in found(folder)


def test_files_that_nobody_names_are_counted(folder: Path):
    shutil.copy(folder / "images" / "train" / "b.jpg", folder / "images" / "train" / "c.jpg")
    assert [code for code, _, _ in found(folder)] == ["IMG-ORPHAN"]


def test_files_that_contradict_each_other_are_found(folder: Path):
    content = json.loads((folder / "annotations" / "val.json").read_text())
    content["categories"][0]["name"] = "cross"
    (folder / "annotations" / "val.json").write_text(json.dumps(content))
    assert [code for code, _, _ in found(folder)] == ["CAT-SPLIT"]


def test_a_report_is_written(folder: Path, tmp_path: Path):
    survey((folder,), None).write_html(tmp_path / "report.html")
    assert "train.json" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_is_checked_alone(folder: Path):
    with pytest.raises(DatasetError, match="folder"):
        survey((folder, folder / "annotations" / "val.json"), None)
