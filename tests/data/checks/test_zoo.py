"""Every mistake that a file can have is found: it, where it is, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sparseinst.data.checks.codes import CODES, SEVERITIES
from sparseinst.data.checks.file import Checked, check_file
from tests.data.checks.zoo import GOOD, ZOO, Change, changed, texts


def check(content: Any, folder: Path) -> Checked:
    (folder / "file.json").write_text(json.dumps(content))
    return check_file(folder / "file.json", "file.json")


def test_a_good_file_has_no_findings(tmp_path: Path):
    checked = check(GOOD, tmp_path)
    assert checked.findings == []
    assert checked.entries == {"images": 2, "annotations": 3, "categories": 2}
    assert [category.name for category in checked.categories] == ["disc", "ring"]
    assert checked.annotations.areas.tolist() == [18, 5, 40]
    assert checked.annotations.boxes.tolist() == [[1, 1, 5, 4], [1, 2, 1, 5], [3, 0, 1, 40]]
    assert checked.annotations.categories.tolist() == [0, 1, 1]
    assert checked.annotations.images.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in ZOO], ids=[case[0] for case in ZOO])
def test_a_mistake_is_found_where_it_is_and_nothing_else(
    change: Change, expected: list[tuple[str, str]], tmp_path: Path
):
    findings = check(changed(change), tmp_path).findings
    assert Counter((finding.code, finding.pointer) for finding in findings) == Counter(expected)
    for finding in findings:
        assert finding.file == "file.json"
        assert finding.severity in SEVERITIES
        assert finding.problem and finding.fix and not finding.fix.endswith(".")
        str(finding).encode("utf-8")


@pytest.mark.parametrize(("content", "code"), [case[1:] for case in texts()], ids=[case[0] for case in texts()])
def test_what_is_no_coco_file_gives_one_finding(content: bytes, code: str, tmp_path: Path):
    (tmp_path / "file.json").write_bytes(content)
    checked = check_file(tmp_path / "file.json")
    assert [finding.code for finding in checked.findings] == [code]


def test_the_zoo_has_every_code_that_an_annotation_file_can_bring():
    found = {code for _, _, expected in ZOO for code, _ in expected} | {code for _, _, code in texts()}
    elsewhere = {code for code in CODES if code.startswith(("DET-", "IMG-"))} | {"CAT-SPLIT", "CAT-VAL-ONLY"}
    assert set(CODES) - elsewhere - found == {"JSON-BOM", "JSON-KEY-TWICE"}  # of which the next tests are


def test_a_byte_order_mark_is_noted_and_skipped(tmp_path: Path):
    (tmp_path / "file.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    checked = check_file(tmp_path / "file.json")
    assert [finding.code for finding in checked.findings] == ["JSON-BOM"]
    assert checked.entries["annotations"] == 3


def test_a_list_that_is_there_twice_is_found(tmp_path: Path):
    (tmp_path / "file.json").write_text('{"images": [],' + json.dumps(GOOD)[1:])
    findings = check_file(tmp_path / "file.json").findings
    assert [(finding.code, finding.pointer) for finding in findings] == [("JSON-KEY-TWICE", "/images")]


def test_a_mistake_in_the_text_is_located_by_line_and_column(tmp_path: Path):
    (tmp_path / "file.json").write_text('{"images": [],\n "categories": [],\n "annotations": [1, 2,]}')
    (finding,) = check_file(tmp_path / "file.json").findings
    assert "line 3, column 23" in finding.problem


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.8, 0.99])
def test_a_file_that_was_not_copied_whole_says_so(share: float, tmp_path: Path):
    text = json.dumps(GOOD)
    (tmp_path / "file.json").write_text(text[: int(len(text) * share)])
    (finding,) = check_file(tmp_path / "file.json").findings
    assert finding.code == "JSON-SYNTAX"
    assert "too early" in finding.problem


def test_many_mistakes_are_all_found_in_the_order_of_the_file(tmp_path: Path):
    content = changed(
        lambda c: c["annotations"][0].update(image_id=99, category_id=98, segmentation=[[1, 1]], area="x")
    )
    content["images"][1].pop("height")
    content["categories"][1]["id"] = "1"
    found = [(finding.code, finding.pointer) for finding in check(content, tmp_path).findings]
    assert found[:7] == [
        ("JSON-TYPE", "/images/1/height"),
        ("JSON-TYPE", "/categories/1/id"),
        ("CAT-GAP", "/categories"),
        ("ANN-AREA-TYPE", "/annotations/0/area"),
        ("IMG-UNKNOWN", "/annotations/0/image_id"),
        ("CAT-UNKNOWN", "/annotations/0/category_id"),
        ("SEG-POLY-SHORT", "/annotations/0/segmentation/0"),
    ]


@pytest.mark.parametrize(
    ("name", "images", "annotations", "crowds"),
    [
        ("coco2017-mini/annotations/instances_train2017.json", 208, 1644, 16),
        ("coco2017-mini/annotations/instances_val2017.json", 80, 815, 11),
        ("balloon/annotations/instances_train.json", 61, 255, 0),
        ("balloon/annotations/instances_val.json", 13, 50, 0),
        ("nuclei/annotations/instances_train.json", 120, 3700, 0),
        ("nuclei/annotations/instances_val.json", 40, 1423, 0),
    ],
)
def test_real_files_have_nothing_but_notes(name: str, images: int, annotations: int, crowds: int, shared: Path):
    checked = check_file(shared / "data" / name)
    assert (checked.entries["images"], checked.entries["annotations"]) == (images, annotations)
    assert int(checked.annotations.crowds.sum()) == crowds
    assert {finding.severity for finding in checked.findings} <= {"note"}


def test_the_quirks_of_real_coco_files_are_noted(shared: Path):
    folder = shared / "data" / "coco2017-mini" / "annotations"
    codes = Counter(finding.code for file in sorted(folder.iterdir()) for finding in check_file(file).findings)
    assert (codes["IMG-EMPTY"], codes["ANN-AREA"], codes["ANN-BOX"]) == (2, 5, 3)
