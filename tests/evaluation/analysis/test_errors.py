"""Each kind of error by itself, and what AP50 would be without it."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import hotcoco
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sparseinst.evaluation.analysis.errors import KINDS, error_kinds
from sparseinst.evaluation.analysis.overlaps import overlaps
from sparseinst.evaluation.analysis.table import match_table
from sparseinst.evaluation.coco.prepared import Prepared, prepare
from tests.evaluation.analysis.cases import HEIGHT, WIDTH, Scenes, rectangle

# Two cats and a dog, 10 x 10 each.
FIRST, SECOND, DOG = (0, 0), (0, 20), (20, 0)
CAT, HOUND, BIRD = 1, 2, 3


def truth(*more: tuple[int, tuple[int, int], int]) -> dict[str, Any]:
    objects = [(CAT, FIRST, 0), (CAT, SECOND, 0), (HOUND, DOG, 0), *more]
    return {
        "images": [{"id": 1, "height": HEIGHT, "width": WIDTH, "file_name": "a.jpg"}],
        "categories": [{"id": CAT, "name": "cat"}, {"id": HOUND, "name": "dog"}, {"id": BIRD, "name": "bird"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": category, "segmentation": box(place), "iscrowd": crowd}
            for number, (category, place, crowd) in enumerate(objects)
        ],
    }


def box(place: tuple[int, int], width: int = 10) -> dict[str, Any]:
    return rectangle(*place, 10, width)


def found(category: int, segmentation: dict[str, Any], score: float) -> dict[str, Any]:
    return {"image_id": 1, "category_id": category, "segmentation": segmentation, "score": score}


RIGHT = (found(CAT, box(FIRST), 0.8), found(CAT, box(SECOND), 0.7), found(HOUND, box(DOG), 0.6))


def errors(results: list[dict[str, Any]], *more: tuple[int, tuple[int, int], int]) -> dict[str, Any]:
    prepared = prepare(truth(*more), results)
    return error_kinds(match_table(prepared, 100), prepared)


def assert_only(measured: dict[str, Any], kind: str, count: int, before: float, lost: float) -> None:
    """Of one kind only; the AP50 of a model that errs in one kind only is 1 without it, or what stays unfound."""
    assert {name: entry["count"] for name, entry in measured["kinds"].items() if entry["count"]} == {kind: count}
    assert measured["AP50"] == pytest.approx(before, abs=1e-9)
    assert measured["kinds"][kind]["AP50_lost"] == pytest.approx(lost, abs=1e-9)
    others = [entry["AP50_lost"] for name, entry in measured["kinds"].items() if name != kind]
    assert others == pytest.approx([0.0] * 5, abs=1e-9)


def test_without_an_error_nothing_is_lost() -> None:
    measured = errors(list(RIGHT))
    assert measured["AP50"] == pytest.approx(1)
    assert [entry["count"] for entry in measured["kinds"].values()] == [0] * 6
    assert [entry["AP50_lost"] for entry in measured["kinds"].values()] == pytest.approx([0] * 6)


def test_the_wrong_class_on_an_object_is_an_error_of_classification() -> None:
    # The second cat is called a dog, with a higher score than the dog itself: dogs have a precision of 1/2. Of the two
    # cats one is found: 51 of 101 recalls. As a cat, all would be right.
    results = [RIGHT[0], found(HOUND, box(SECOND), 0.9), RIGHT[2]]
    before = (51 / 101 + 1 / 2) / 2
    assert_only(errors(results), "classification", 1, before, 1 - before)


def test_a_mask_that_does_not_fit_is_an_error_of_localisation() -> None:
    # 3 of 10 columns of the second cat, so IoU 0.3: the one that is found is second, behind it.
    results = [found(CAT, box(SECOND, 3), 0.9), RIGHT[0], RIGHT[2]]
    before = (51 / 101 * 1 / 2 + 1) / 2
    assert_only(errors(results), "localisation", 1, before, 1 - before)


def test_a_wrong_class_and_a_mask_that_does_not_fit_is_both() -> None:
    # A dog on 3 columns of a cat that is found: without it, dogs would be perfect.
    results = [*RIGHT, found(HOUND, box(FIRST, 3), 0.9)]
    assert_only(errors(results), "both", 1, 3 / 4, 1 / 4)


def test_a_second_detection_of_an_object_is_a_duplicate() -> None:
    # Ranks: right, duplicate, right. Precision 1 up to a recall of 1/2 (51 recalls), then 2/3 (50 recalls).
    results = [RIGHT[0], found(CAT, box(FIRST, 9), 0.75), RIGHT[1], RIGHT[2]]
    cats = (51 + 50 * 2 / 3) / 101
    assert_only(errors(results), "duplicate", 1, (cats + 1) / 2, (1 - cats) / 2)


def test_a_detection_of_nothing_is_background_and_costs_nothing_behind_all_else() -> None:
    nothing = box((25, 30))
    assert_only(errors([*RIGHT, found(HOUND, nothing, 0.9)]), "background", 1, 3 / 4, 1 / 4)
    assert_only(errors([*RIGHT, found(HOUND, nothing, 0.1)]), "background", 1, 1, 0)


def test_an_object_that_no_detection_comes_near_is_missed() -> None:
    cats = 51 / 101
    assert_only(errors([RIGHT[0], RIGHT[2]]), "missed", 1, (cats + 1) / 2, (1 - cats) / 2)
    assert_only(errors([*RIGHT[:2]]), "missed", 1, 1 / 2, 1 / 2)  # the only dog
    assert_only(errors([]), "missed", 3, 0, 1)


def test_of_two_bad_masks_on_an_object_the_better_one_would_find_it_and_the_other_not_be_there() -> None:
    results = [found(CAT, box(SECOND, 3), 0.9), found(CAT, box(SECOND, 4), 0.85), RIGHT[0], RIGHT[2]]
    before = (51 / 101 * 1 / 3 + 1) / 2
    assert_only(errors(results), "localisation", 2, before, 1 - before)


def test_the_wrong_class_on_an_object_that_is_found_already_would_not_be_there() -> None:
    assert_only(errors([*RIGHT, found(HOUND, box(FIRST), 0.9)]), "classification", 1, 3 / 4, 1 / 4)


def test_what_lies_in_a_crowd_region_is_no_error_and_a_crowd_region_is_not_missed() -> None:
    crowd = (CAT, (20, 20), 1)
    measured = errors([*RIGHT, found(CAT, box((20, 20), 5), 0.95)], crowd)
    assert [entry["count"] for entry in measured["kinds"].values()] == [0] * 6
    assert measured["AP50"] == pytest.approx(1)


def test_where_there_is_no_object_errors_are_counted_and_cost_nothing_that_can_be_measured() -> None:
    coco = {**truth(), "annotations": []}
    prepared = prepare(coco, [*RIGHT])
    measured = error_kinds(match_table(prepared, 100), prepared)
    assert measured["AP50"] is None
    assert measured["kinds"]["background"] == {"count": 3, "AP50_lost": None}


def by_hotcoco(prepared: Prepared) -> dict[str, Any]:
    dataset = {"images": list(prepared.images), "categories": list(prepared.categories)}
    reference = hotcoco.COCO({**dataset, "annotations": list(prepared.truth)})
    evaluation = hotcoco.COCOeval(reference, reference.load_res(prepared.found), "segm")
    with redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.tide_errors()


@given(seed=st.integers(0, 10**6), classes=st.integers(1, 4))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_kinds_are_those_of_hotcoco_and_so_is_what_they_cost_where_both_mean_the_same(
    seed: int, classes: int
) -> None:
    scenes = Scenes(seed, 12, classes, crowds=0)
    prepared = prepare(scenes.truth, scenes.results)
    table = match_table(prepared, 100)
    assume(len(prepared.found) > 0)
    assume(0.5 not in overlaps(table, prepared).own_iou)  # a duplicate here, badly placed there
    kinds, theirs = error_kinds(table, prepared)["kinds"], by_hotcoco(prepared)
    names = dict(zip(KINDS, ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss"), strict=True))
    assert {names[kind]: entry["count"] for kind, entry in kinds.items()} == theirs["counts"]
    alike = ["both", "duplicate", "background"]
    alike += ["localisation"] if not kinds["classification"]["count"] else []
    alike += ["classification"] if not kinds["localisation"]["count"] else []
    for kind in alike:
        assert kinds[kind]["AP50_lost"] == pytest.approx(theirs["delta_ap"][names[kind]], abs=1e-9)
    assert all(entry["AP50_lost"] >= -1e-12 for entry in kinds.values())
