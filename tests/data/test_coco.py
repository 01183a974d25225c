"""A COCO file is read whole or refused with everything that is wrong in it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparseinst.data.categories import Category, load_categories
from sparseinst.data.coco import load_coco
from sparseinst.errors import DatasetError

SQUARE = [[1, 1, 5, 1, 5, 5, 1, 5]]

GOOD: dict[str, Any] = {
    "images": [{"id": 7, "file_name": "a.jpg", "height": 8, "width": 10}],
    "categories": [{"id": 9, "name": "ring"}, {"id": 2, "name": "disc"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 9, "segmentation": SQUARE},
        {"id": 2, "image_id": 7, "category_id": 2, "segmentation": {"size": [8, 10], "counts": [10, 5, 65]}},
        {"id": 3, "image_id": 7, "category_id": 2, "segmentation": {"size": [8, 10], "counts": ":5Q2"}},
    ],
}


def broken(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    content = copy.deepcopy(GOOD)
    change(content)
    return content


def test_a_good_file_has_no_findings(tmp_path: Path):
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    assert load_coco(tmp_path / "good.json") == GOOD


def test_the_class_index_is_the_place_in_the_list_sorted_by_id():
    assert load_categories(GOOD) == [Category(2, "disc"), Category(9, "ring")]


def test_all_mistakes_are_reported_at_once(tmp_path: Path):
    content = broken(lambda c: c["annotations"][0].update(segmentation=[[1, 1]]))
    content["annotations"][1]["image_id"] = 99
    content["annotations"][2]["category_id"] = 99
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="3 findings") as caught:
        load_coco(tmp_path / "bad.json")
    text = str(caught.value)
    for code in ("SEG-POLY-SHORT", "IMG-UNKNOWN", "CAT-UNKNOWN"):
        assert code in text
    assert caught.value.where.endswith("bad.json")


def test_of_thousands_of_findings_the_first_are_shown_and_the_rest_counted(tmp_path: Path):
    content = copy.deepcopy(GOOD)
    content["annotations"] = [
        {"id": number, "image_id": 1000, "category_id": 2, "segmentation": SQUARE} for number in range(1000)
    ]
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="1000 findings") as caught:
        load_coco(tmp_path / "bad.json")
    assert caught.value.details[-1] == "... and 980 more"
    assert len(caught.value.details) == 21


def test_a_missing_image_file_is_found(tmp_path: Path):
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    with pytest.raises(DatasetError) as caught:
        load_coco(tmp_path / "good.json", tmp_path)
    assert "IMG-FILE" in caught.value.details[0]
    (tmp_path / "a.jpg").touch()
    load_coco(tmp_path / "good.json", tmp_path)


def test_malformed_json_is_located_by_line_and_column(tmp_path: Path):
    (tmp_path / "bad.json").write_text('{"images": [],\n "annotations": [1, 2,], "categories": []}')
    with pytest.raises(DatasetError) as caught:
        load_coco(tmp_path / "bad.json")
    assert "JSON-SYNTAX" in str(caught.value) and "line 2, column 23" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"PK\x03\x04\xff\xfe", b"9" * 5000, b"[]", b"null"])
def test_what_is_no_coco_file_is_refused_without_a_traceback(content: bytes, tmp_path: Path):
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        load_coco(tmp_path / "bad.json")
    assert caught.value.fix


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(DatasetError, match="no such annotation file"):
        load_coco(tmp_path / "none.json")


def test_a_byte_order_mark_is_skipped(tmp_path: Path):
    (tmp_path / "good.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    assert load_coco(tmp_path / "good.json") == GOOD


@pytest.mark.parametrize("name", ["coco2017-mini", "balloon", "nuclei"])
def test_real_data_has_no_findings(name: str, shared: Path):
    files = sorted((shared / "data" / name / "annotations").glob("*.json"))
    assert len(files) == 2
    for file in files:
        assert load_coco(file)["annotations"]
