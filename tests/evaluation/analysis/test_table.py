"""The table says of each detection and each object what COCO's evaluation says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.table import MatchTable, match_table
from sparseinst.evaluation.coco.engine import matched
from sparseinst.evaluation.coco.prepared import Prepared, prepare
from tests.evaluation.analysis.scene import scene


def by_pycocotools(prepared: Prepared, max_det: int) -> dict[int, tuple[list[bool], list[bool]]]:
    """Whether each result (by its place) is a hit and is ignored, at each IoU."""
    found = {}
    for entry in matched(prepared, max_det, "pycocotools"):
        matches, ignored = np.asarray(entry["dtMatches"]), np.asarray(entry["dtIgnore"])
        for place, number in enumerate(entry["dtIds"]):
            found[number - 1] = ((matches[:, place] > 0).tolist(), (ignored[:, place] > 0).tolist())
    return found


def test_the_images_can_be_gone_through_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(*scene(4))
    whole = match_table(prepared, 100)
    monkeypatch.setattr("sparseinst.evaluation.analysis.table._IMAGES_AT_A_TIME", 3)
    for name in MatchTable.__slots__:
        np.testing.assert_array_equal(getattr(match_table(prepared, 100), name), getattr(whole, name))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("max_det", [2, 100])
def test_hits_and_what_is_ignored_are_pycocotools_own(seed: int, max_det: int) -> None:
    prepared = prepare(*scene(seed))
    table = match_table(prepared, max_det)
    rows = zip(table.row.tolist(), table.hits.tolist(), table.ignored.tolist(), strict=True)
    assert {row: (hits, ignored) for row, hits, ignored in rows} == by_pycocotools(prepared, max_det)
    for place, row in enumerate(table.row.tolist()):
        result = prepared.found[row]
        assert table.image_ids[table.image[place]] == result["image_id"]
        assert table.category_ids[table.category[place]] == result["category_id"]
        assert table.score[place] == result["score"]


def test_every_object_is_there_once_and_is_found_as_often_as_detections_hit() -> None:
    truth, results = scene(1)
    table = match_table(prepare(truth, results), 100)
    objects = [n for n, entry in enumerate(truth["annotations"]) if not entry["iscrowd"]]
    assert sorted(table.object_row.tolist()) == objects
    assert table.object_found.sum(0).tolist() == (table.hits & ~table.ignored).sum(0).tolist()
    assert table.object_found.any()


def test_detections_are_ranked_by_class_then_score_then_image() -> None:
    table = match_table(prepare(*scene(2)), 100)
    keys = list(zip(table.category, -table.score, table.image, strict=True))
    assert keys == sorted(keys)


@pytest.mark.parametrize("empty", ["truth", "results", "both", "images"])
def test_nothing_at_all_gives_empty_columns(empty: str) -> None:
    truth, results = scene(0)
    emptied: dict[str, Any] = {**truth, "annotations": [] if empty != "results" else truth["annotations"]}
    if empty == "images":
        emptied["images"] = []
    table = match_table(prepare(emptied, results if empty == "truth" else []), 100)
    assert len(table.image) == (len(results) if empty == "truth" else 0)
    assert table.hits.shape == (len(table.image), 10)
    assert len(table.object_image) == (len(truth["annotations"]) - crowds(truth) if empty == "results" else 0)


def crowds(truth: dict[str, Any]) -> int:
    return sum(entry["iscrowd"] for entry in truth["annotations"])


def test_a_table_read_again_is_the_same(tmp_path: Path) -> None:
    table = match_table(prepare(*scene(3)), 100, dataset="abc")
    table.save(tmp_path / "matches.npz")
    again = MatchTable.load(tmp_path / "matches.npz")
    for name in MatchTable.__slots__:
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
        assert np.asarray(getattr(again, name)).dtype == np.asarray(getattr(table, name)).dtype


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "matches.npz").write_bytes(content)
    with pytest.raises(EvaluationError, match="cannot be read"):
        MatchTable.load(tmp_path / "matches.npz")
