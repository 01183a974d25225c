"""`sparseinst check` as people and programs meet it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sparseinst.cli import cli
from tests.data.checks.zoo import GOOD, changed, more_annotations


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Result]:
    """Writes a file after a change of the good one, and checks it."""

    def run(change: Callable[[dict[str, Any]], Any], *options: str) -> Result:
        (tmp_path / "train.json").write_text(json.dumps(changed(change)))
        return CliRunner().invoke(cli, ["check", str(tmp_path / "train.json"), *options])

    return run


def nothing(content: dict[str, Any]) -> None:
    """No change."""


def test_a_good_file_is_said_to_be_good(check: Callable[..., Result]):
    result = check(nothing)
    assert result.exit_code == 0
    assert "2 images, 3 annotations, 2 categories" in result.stdout
    assert "Nothing stands in the way of training." in result.stdout


def test_an_error_refuses_training_and_says_code_place_and_fix(check: Callable[..., Result]):
    result = check(lambda content: content["annotations"][0].update(segmentation=[[1, 1]]))
    assert result.exit_code == 3
    (line,) = [line for line in result.stdout.splitlines() if "SEG-POLY-SHORT" in line]
    assert "train.json#/annotations/0/segmentation/0" in line and "Fix: " in line
    assert "Training must not start." in result.stdout


def test_warnings_refuse_it_only_when_one_is_strict(check: Callable[..., Result]):
    assert check(more_annotations({})).exit_code == 0
    assert check(more_annotations({}), "--strict").exit_code == 3


def test_many_findings_of_a_kind_are_counted_until_all_are_asked_for(check: Callable[..., Result]):
    change = more_annotations(*({"image_id": 99} for _ in range(20)))
    assert "15 more IMG-UNKNOWN" in check(change).stdout
    assert check(change, "--all").stdout.count("IMG-UNKNOWN") == 20


def test_a_program_gets_one_object_or_a_line_for_each_finding(check: Callable[..., Result], tmp_path: Path):
    change = more_annotations({"image_id": 99}, {"area": 1})
    told = json.loads(check(change, "--json").stdout)
    assert told["counts"] == {"error": 1, "warning": 1, "note": 1}
    lines = check(change, "--jsonl", "-").stdout.splitlines()
    assert [json.loads(line) for line in lines] == told["findings"]
    check(change, "--jsonl", str(tmp_path / "found.jsonl"))
    assert (tmp_path / "found.jsonl").read_text().splitlines() == lines
    assert set(told["findings"][0]) == {"code", "severity", "pointer", "file", "image", "problem", "fix"}


def test_a_report_is_written_to_look_at(check: Callable[..., Result], tmp_path: Path):
    result = check(nothing, "--html", str(tmp_path / "report.html"))
    assert result.exit_code == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(category["name"] in page for category in GOOD["categories"])


def test_a_missing_file_is_named_and_refused(tmp_path: Path):
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "none.json")])
    assert result.exit_code != 0
    assert "no such annotation file" in str(result.exception)
