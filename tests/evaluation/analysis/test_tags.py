"""Tags of images, in two forms of file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.tags import read_tags

IMAGES = [
    {"id": 1, "file_name": "left/a.jpg"},
    {"id": 2, "file_name": "right/a.jpg"},
    {"id": 3, "file_name": "right/b c.jpg"},
]


def read_json(content: Any, folder: Path) -> dict[str, list[int]]:
    path = folder / "tags.json"
    path.write_text(json.dumps(content))
    return read_tags(path, IMAGES)


def read_csv(text: str, folder: Path) -> dict[str, list[int]]:
    path = folder / "tags.csv"
    path.write_text(text)
    return read_tags(path, IMAGES)


def test_json_names_images_by_id_by_file_name_or_by_its_last_part(tmp_path: Path) -> None:
    tags = read_json({"night": [1, "right/a.jpg", 1], "rain": ["b c.jpg"], "snow": []}, tmp_path)
    assert tags == {"night": [1, 2], "rain": [3]}


def test_csv_has_an_image_in_each_line_with_as_many_tags_as_it_has(tmp_path: Path) -> None:
    text = 'file_name,tags\nleft/a.jpg,night\n\nright/b c.jpg, night ,"rain, heavy",\nright/a.jpg,rain\n'
    assert read_csv(text, tmp_path) == {"night": [1, 3], "rain, heavy": [3], "rain": [2]}
    assert read_csv("", tmp_path) == {}


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="4 findings") as caught:
        read_json({"night": [9, "a.jpg", True], "a/b": 1}, tmp_path)
    told = str(caught.value)
    for part in ("/night/0", "9 is not in", "/night/1", "2 images are named 'a.jpg'", "/night/2", "/a~1b"):
        assert part in told
    with pytest.raises(EvaluationError, match="3 findings") as caught:
        read_csv("left/a.jpg\nc.jpg,night\n,rain\n", tmp_path)
    told = str(caught.value)
    for part in ("line 1", "line 2", "'c.jpg' is not in", "line 3"):
        assert part in told


@pytest.mark.parametrize("content", [[], 3, None])
def test_json_that_is_no_object_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="1 finding"):
        read_json(content, tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe,a")
    for name in ("bad.json", "bad.csv", "absent.csv"):
        with pytest.raises(EvaluationError, match="cannot be read") as caught:
            read_tags(tmp_path / name, IMAGES)
        assert name in caught.value.where
