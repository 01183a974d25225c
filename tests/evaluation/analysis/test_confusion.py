"""What objects are taken for."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sparseinst.evaluation.analysis.confusion import confusion
from sparseinst.evaluation.analysis.table import match_table
from sparseinst.evaluation.coco.prepared import prepare
from tests.evaluation.coco.test_numbers import as_results, small_coco, square

# Of small_coco: two discs and a star in images 1 and 2, a crowd of stars, and a class without objects.


def _confusion(results: list[dict[str, Any]], coco: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    prepared = prepare(coco or small_coco(), results)
    return confusion(match_table(prepared, 100), prepared, **{"least_score": 0.0, **options})


def _of(results: list[dict[str, Any]], place: int, **changed: Any) -> list[dict[str, Any]]:
    return [{**result, **changed} if place == number else result for number, result in enumerate(results)]


def test_the_truth_is_taken_for_itself_and_the_most_frequent_class_comes_first() -> None:
    found = _confusion(as_results(small_coco()))
    assert found["names"] == ["disc", "star", "absent", "background"]
    assert np.array_equal(found["counts"], np.diag([2, 1, 0, 0]))


def test_an_object_found_as_another_class_is_in_its_own_row_and_the_other_column() -> None:
    found = _confusion(_of(as_results(small_coco()), 1, category_id=9))
    assert found["counts"] == [[2, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_finding_nothing_puts_every_object_into_the_last_column() -> None:
    assert np.array_equal(np.array(_confusion([])["counts"])[:, -1], [2, 1, 0, 0])


def test_a_detection_of_nothing_and_a_second_one_of_an_object_are_in_the_last_row() -> None:
    results = as_results(small_coco())
    nothing = {"image_id": 3, "category_id": 3, "score": 0.9, "segmentation": square(5, 5, 20)}
    assert _confusion([*results, nothing])["counts"][-1] == [1, 0, 0, 0]
    assert _confusion([*results, {**results[0], "score": 0.001}])["counts"][-1] == [1, 0, 0, 0]


def test_what_has_less_than_the_least_score_does_not_count() -> None:
    results = [{**result, "score": 0.5} for result in as_results(small_coco())]
    assert np.trace(_confusion(results, least_score=0.5)["counts"]) == 3
    found = _confusion(results, least_score=0.51)
    assert np.trace(found["counts"]) == 0
    assert found["score"] == 0.51


def test_a_crowd_region_is_no_object_and_what_lies_in_it_is_nothing() -> None:
    inside = {"image_id": 2, "category_id": 5, "score": 0.9, "segmentation": square(165, 25, 10)}
    found = _confusion([*as_results(small_coco()), inside])
    assert np.array_equal(found["counts"], np.diag([2, 1, 0, 0]))


def test_rare_classes_are_counted_together() -> None:
    results = _of(as_results(small_coco()), 1, category_id=9)
    found = _confusion([*results], most_classes=1)
    assert found["names"] == ["disc", "other classes", "background"]
    assert found["counts"] == [[2, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_names_are_all_different_and_the_answer_is_json() -> None:
    coco = small_coco()
    coco["categories"][2]["name"] = "background"
    found = _confusion(as_results(coco), coco)
    assert found["names"] == ["disc", "star", "background", "background*"]
    json.dumps(found)


def test_images_without_any_object_or_detection_give_zeros() -> None:
    assert not np.any(_confusion([], {**small_coco(), "annotations": []})["counts"])
