"""The parts of metrics.json that are counted from the table, together."""

from __future__ import annotations

import json

import pytest

from sparseinst.evaluation.analysis.analyse import analyse
from sparseinst.evaluation.analysis.table import match_table
from sparseinst.evaluation.coco.numbers import mask_metrics
from sparseinst.evaluation.coco.prepared import prepare
from tests.evaluation.analysis.cases import Scenes

PARTS = {
    "per_class",
    "best",
    "curves",
    "slices",
    "worst_slice",
    "errors",
    "calibration",
    "costly_images",
    "distribution",
}


def analysed(scenes: Scenes, tags: dict[str, list[int]] | None = None) -> dict:
    prepared = prepare(scenes.truth, scenes.results)
    return analyse(match_table(prepared, 100), prepared, tags)


def test_all_parts_are_there_fit_into_json_and_agree_with_the_12_numbers() -> None:
    scenes = Scenes(7, 30)
    first = scenes.truth["images"][0]
    parts = analysed(scenes, {"night": [first["id"]]})
    assert set(parts) == PARTS
    json.dumps(parts, allow_nan=False)
    metrics = mask_metrics(scenes.truth, scenes.results)
    assert parts["errors"]["AP50"] == pytest.approx(metrics["AP50"], abs=1e-12)
    assert set(parts["per_class"]) == set(metrics["per_class"])
    assert sum(own["detections"] for own in parts["per_class"].values()) == len(scenes.results)
    assert 0.3 < parts["per_class"]["class 0"]["best"]["f1"] <= 1
    assert [part["name"] for part in parts["slices"]] == ["0-2", "3-9", "night"]
    names = {image["id"]: image["file_name"] for image in scenes.truth["images"]}
    assert len(parts["costly_images"]) > 10
    assert all(names[entry["image_id"]] == entry["file_name"] for entry in parts["costly_images"])


@pytest.mark.parametrize("nothing", ["results", "annotations", "images"])
def test_without_detections_objects_or_images_all_parts_are_there_too(nothing: str) -> None:
    scenes = Scenes(7, 8, crowds=0)
    scenes.results = [] if nothing in ("results", "images") else scenes.results
    scenes.truth["annotations"] = [] if nothing in ("annotations", "images") else scenes.truth["annotations"]
    scenes.truth["images"] = [] if nothing == "images" else scenes.truth["images"]
    parts = analysed(scenes)
    assert set(parts) == PARTS
    json.dumps(parts, allow_nan=False)
    assert parts["best"] is None
    assert parts["worst_slice"] is None or nothing == "results"
