"""Two folders of evaluations against each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.drawn_matches import Model, World, draw_pair
from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.comparison.compare import compare

GOOD, BAD = draw_pair(World(), (Model(0.8), Model(0.0)), 40, seed=1)


def part(name: str, ap: float | None, images: int = 20, by: str = "tag") -> dict[str, Any]:
    return {"by": by, "name": name, "images": images, "instances": 50, "AP": ap, "AP50": ap}


def write(folder: Path, table: MatchTable, **metrics: Any) -> Path:
    folder.mkdir()
    table.save(folder / "matches.npz")
    content = {"schema": "sparseinst.metrics/2", "dataset": "drawn", "max_dets": [1, 10, 100], **metrics}
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


def test_what_changed_is_said_for_the_numbers_the_classes_and_the_parts_that_both_have(tmp_path: Path) -> None:
    ours = [part("night", 0.4), part("day", None), part("rain", 0.3, images=3), part("new", 0.2)]
    theirs = [part("day", 0.5), part("night", 0.5), part("rain", 0.2, images=4), part("night", 0.1, by="crowding")]
    new = write(tmp_path / "new", GOOD, AP=0.5, APs=None, AR1=0.25, slices=ours, model={"name": "b"})
    old = write(tmp_path / "old", BAD, AP=0.4, APs=0.1, AR1=0.5, slices=theirs, model={"name": "a"})
    found = compare(new, old, resamples=100)
    assert found["schema"] == "sparseinst.comparison/1"
    assert (found["dataset"], found["images"]) == ("drawn", 40)
    assert (found["candidate"], found["incumbent"]) == ({"name": "b"}, {"name": "a"})
    assert found["AP"]["low"] > 0
    assert set(found["per_class"]["class 0"]) == {
        "candidate",
        "incumbent",
        "difference",
        "low",
        "high",
        "instances",
    }
    assert found["metrics"]["AP"]["difference"] == pytest.approx(0.1)
    assert found["metrics"]["APs"] == {"candidate": None, "incumbent": 0.1, "difference": None}
    assert found["metrics"]["AR1"]["difference"] == -0.25
    assert [(entry["name"], entry["instances"]) for entry in found["slices"]] == [("night", 50), ("day", 50)]
    assert found["slices"][0]["difference"] == pytest.approx(-0.1)
    assert found["slices"][1]["difference"] is None
    json.dumps(found, allow_nan=False)


def test_a_folder_may_be_named_by_the_metrics_in_it(tmp_path: Path) -> None:
    new, old = write(tmp_path / "new", GOOD), write(tmp_path / "old", BAD)
    assert compare(new / "metrics.json", old, resamples=20) == compare(new, old, resamples=20)
    assert compare(new, old, resamples=20)["slices"] == []


@pytest.mark.parametrize(("name", "value"), [("dataset", "else"), ("max_dets", [1, 10, 300])])
def test_evaluations_of_other_data_or_that_counted_otherwise_are_refused(name: str, value: Any, tmp_path: Path) -> None:
    new, old = write(tmp_path / "new", GOOD), write(tmp_path / "old", BAD, **{name: value})
    with pytest.raises(EvaluationError, match="not measured alike") as caught:
        compare(new, old)
    assert f"{name}: " in caught.value.details[0]


def test_matches_of_other_data_than_the_metrics_beside_them_are_refused(tmp_path: Path) -> None:
    new, old = write(tmp_path / "new", replace(GOOD, dataset="else")), write(tmp_path / "old", BAD)
    with pytest.raises(EvaluationError, match="of other data than the metrics beside it") as caught:
        compare(new, old)
    assert str(new) in caught.value.where


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good", GOOD), write(tmp_path / "bad", BAD)
    with pytest.raises(EvaluationError, match="cannot be read"):
        compare(good, tmp_path / "absent")
    (bad / "matches.npz").write_bytes(b"no archive")
    with pytest.raises(EvaluationError, match="cannot be read") as caught:
        compare(good, bad)
    assert "matches.npz" in caught.value.where
