"""What bends the numbers is said beside them."""

from __future__ import annotations

from typing import Any

from sparseinst.evaluation.notes import model_notes, notes

TRUTH: dict[str, Any] = {
    "images": [{"id": 1}, {"id": 2}],
    "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "fibre"}],
    "annotations": [
        *({"image_id": 1, "category_id": 1} for _ in range(13)),
        *({"image_id": 2, "category_id": 1, "iscrowd": 1} for _ in range(40)),
        {"image_id": 2, "category_id": 2},
    ],
}
RESULT = {"image_id": 1, "category_id": 1, "score": 0.5}


def told(truth: dict[str, Any], results: list[dict[str, Any]], *max_dets: int) -> dict[str, str]:
    return {note["code"]: note["text"] for note in notes(truth, results, max_dets)}


def test_nothing_is_said_where_nothing_bends_the_numbers() -> None:
    assert told(TRUTH, [RESULT], 1, 10, 100) == {}


def test_more_objects_of_a_class_than_detections_count_are_pointed_out_with_how_many_are_lost() -> None:
    said = told(TRUTH, [], 1, 5, 10)
    assert set(said) == {"MANY-OBJECTS", "MAX-DETS"}
    assert said["MANY-OBJECTS"].startswith("1 image has more than 10 objects of a class")
    assert "3 of 14 objects cannot be found" in said["MANY-OBJECTS"] and "--max-dets 1,5,13" in said["MANY-OBJECTS"]


def test_boxes_are_noted_only_where_all_detections_have_one() -> None:
    boxed = {**RESULT, "bbox": [0, 0, 5, 5]}
    assert set(told(TRUTH, [boxed, boxed], 1, 10, 100)) == {"BOX-AREA"}
    assert told(TRUTH, [boxed, RESULT], 1, 10, 100) == {}


def test_classes_without_an_object_are_named_crowds_are_none() -> None:
    truth = {**TRUTH, "annotations": TRUTH["annotations"][13:]}
    assert told(truth, [], 1, 10, 100)["NO-OBJECT"].endswith("do not count: cell.")
    many = {**truth, "categories": [{"id": n, "name": f"c{n}"} for n in range(2, 12)]}
    assert told(many, [], 1, 10, 100)["NO-OBJECT"].endswith("c3, c4, c5, c6, c7 and 4 more.")


def test_more_objects_in_an_image_than_the_model_finds_are_pointed_out() -> None:
    (note,) = model_notes(TRUTH, {"instances": 10})
    assert note["code"] == "MODEL-LIMIT"
    assert note["text"].startswith("1 image has more than the 10 objects") and "3 of 14 objects" in note["text"]
    assert not list(model_notes(TRUTH, {"instances": 13}))
    assert not list(model_notes(TRUTH, {}))
