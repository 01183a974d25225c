"""What is written is read back, and is there whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparseinst.data.coco_file.reading import open_coco
from sparseinst.data.coco_file.writing import write_coco


def test_what_is_written_in_parts_is_read_back_as_one(tmp_path: Path):
    images = [{"id": number, "file_name": f"é{number}.jpg"} for number in range(10)]
    with write_coco(tmp_path / "file.json") as writer:
        writer.others({"info": {"year": 2026}, "version": 10**30})
        writer.entries("images", images[:4])
        writer.entries("images", [])
        writer.entries("images", images[4:])
        writer.entries("annotations", [])
        writer.entries("categories", [{"id": 1, "name": "half \ud800"}])
    content = json.loads((tmp_path / "file.json").read_bytes())
    categories = [{"id": 1, "name": "half \ud800"}]
    lists = {"images": images, "annotations": [], "categories": categories}
    assert content == {"info": {"year": 2026}, "version": 10**30, **lists}
    file = open_coco(tmp_path / "file.json")
    assert [entry for part in file.images() for entry in part] == images
    assert file.others() == {"info": {"year": 2026}, "version": 10**30}


def test_nothing_is_an_empty_object(tmp_path: Path):
    with write_coco(tmp_path / "file.json"):
        pass
    assert json.loads((tmp_path / "file.json").read_bytes()) == {}


def test_an_error_leaves_the_older_file(tmp_path: Path):
    (tmp_path / "file.json").write_text("old")
    with pytest.raises(RuntimeError), write_coco(tmp_path / "file.json") as writer:
        writer.entries("images", [{"id": 1}])
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
    assert (tmp_path / "file.json").read_text() == "old"
