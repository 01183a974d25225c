"""hotcoco computes what pycocotools computes: every value of the tables to the last bit, whatever is compared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.evaluation.coco.engine import ENGINES, MAX_DETS, accumulated
from sparseinst.evaluation.coco.numbers import NUMBERS, mask_metrics, numbers
from sparseinst.evaluation.coco.prepared import prepare
from sparseinst.masks.coco import mask_to_rle, segmentation_to_mask
from tests.evaluation.coco.drawn import drawn_mask, drawn_results, drawn_truth, shuffled
from tests.evaluation.coco.test_numbers import by_pycocotools

SETS = {
    "balloon": "data/balloon/annotations/instances_val.json",
    "coco2017-mini": "data/coco2017-mini/annotations/instances_val2017.json",
    "nuclei": "data/nuclei/annotations/instances_val.json",
}


def same_numbers(coco: Any, results: Any, max_dets: tuple[int, ...] = MAX_DETS) -> dict[str, Any]:
    """Compares both programs, and gives the numbers."""
    prepared = prepare(coco, results)
    found, reference = (accumulated(prepared, max_dets, engine) for engine in ENGINES)
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(getattr(found, name), getattr(reference, name), err_msg=name, strict=True)
    first, second = (numbers(tables, prepared) for tables in (found, reference))
    for name in NUMBERS:
        assert first[name] == pytest.approx(second[name], abs=1e-12), name
    assert first == second
    return first


def truth_as_results(coco: Any) -> list[dict[str, Any]]:
    return [{**a, "score": 1.0} for a in coco["annotations"] if not a.get("iscrowd")]


@pytest.mark.parametrize("seed", range(12))
def test_drawn_objects_crowds_and_mistakes(seed: int):
    random = np.random.default_rng(seed)
    coco = drawn_truth(random)
    same_numbers(coco, drawn_results(coco, random))


def test_what_is_drawn_is_neither_all_right_nor_all_wrong_and_has_objects_of_all_sizes():
    random = np.random.default_rng(0)
    coco = drawn_truth(random, images=12)
    found = same_numbers(coco, drawn_results(coco, random))
    assert all(0.01 < found[name] < 0.99 for name in NUMBERS)


@pytest.mark.parametrize("seed", range(6))
def test_they_are_the_numbers_that_pycocotools_alone_gives_from_the_same_two_files(seed: int):
    random = np.random.default_rng(seed)
    coco = drawn_truth(random)
    coco["annotations"] = [{**a, "id": a["id"] + 1} for a in coco["annotations"]]
    results = drawn_results(coco, random)
    as_loaded = [{**r, "segmentation": rle_with_text(r["segmentation"])} for r in results]  # loadRes takes no lists
    found = same_numbers(coco, results)
    assert [found[name] for name in NUMBERS] == pytest.approx(by_pycocotools(coco, as_loaded), abs=1e-12)


def rle_with_text(rle: dict[str, Any]) -> dict[str, Any]:
    return mask_to_rle(segmentation_to_mask(rle, *rle["size"]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 6), st.integers(1, 4), st.integers(0, 12), st.floats(0, 0.95))
def test_any_number_of_images_classes_and_objects(seed: int, images: int, classes: int, objects: int, share: float):
    random = np.random.default_rng(seed)
    coco = drawn_truth(random, images, classes, objects)
    same_numbers(coco, drawn_results(coco, random, share, false=objects))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 300), min_size=3, max_size=3, unique=True).map(sorted))
def test_any_three_numbers_of_detections_that_count(seed: int, max_dets: list[int]):
    random = np.random.default_rng(seed)
    coco = drawn_truth(random, images=2, objects=8)
    same_numbers(coco, drawn_results(coco, random, false=8), tuple(max_dets))


def test_nothing_found_nothing_there_and_neither():
    coco = drawn_truth(np.random.default_rng(3), classes=2)
    results = drawn_results(coco, np.random.default_rng(3))
    nothing = {**coco, "annotations": []}
    crowds = {**coco, "annotations": [{**a, "iscrowd": 1} for a in coco["annotations"]]}
    assert coco["annotations"] and results
    assert same_numbers(coco, [])["AP"] == 0
    assert same_numbers(nothing, results)["AP"] is None
    assert same_numbers(nothing, [])["AP"] is None
    assert same_numbers(crowds, results)["AP"] is None


def test_more_detections_of_a_class_in_an_image_than_count():
    random = np.random.default_rng(0)
    coco = drawn_truth(random, images=2, classes=2, objects=6)
    image = coco["images"][0]
    masks = [mask_to_rle(drawn_mask(random, image["height"], image["width"])) for _ in range(130)]
    fields = {"image_id": image["id"], "category_id": 0}
    many = [{**fields, "score": float(random.choice([0.1, 0.5, 0.9])), "segmentation": mask} for mask in masks]
    results = shuffled([*many, *drawn_results(coco, random)], random)
    assert sum(result["image_id"] == image["id"] and result["category_id"] == 0 for result in results) > 100
    for max_dets in (MAX_DETS, (1, 10, 300), (100, 101, 130)):
        same_numbers(coco, results, max_dets)


def test_all_scores_alike():
    random = np.random.default_rng(5)
    coco = drawn_truth(random, images=5, objects=8)
    same_numbers(coco, [{**result, "score": 0.5} for result in drawn_results(coco, random)])


def test_scores_of_any_size():
    random = np.random.default_rng(6)
    coco = drawn_truth(random)
    scores = [-1e300, -1.0, -0.0, 0.0, 5e-324, 1.0, 97.5, 1e300]
    same_numbers(coco, [{**r, "score": float(random.choice(scores))} for r in drawn_results(coco, random)])


def test_boxes_that_give_the_area_of_detections():
    random = np.random.default_rng(7)
    coco = drawn_truth(random, images=5)
    results = [{**r, "bbox": [0.0, 0.0, *random.uniform(1, 200, 2).tolist()]} for r in drawn_results(coco, random)]
    same_numbers(coco, results)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_images_and_objects_does_not_matter_to_either(seed: int):
    random = np.random.default_rng(seed)
    coco = drawn_truth(random, images=6)
    results = [{**result, "score": float(place)} for place, result in enumerate(drawn_results(coco, random))]
    moved = {key: shuffled(coco[key], random) for key in ("images", "categories", "annotations")}
    one, other = same_numbers(coco, results), same_numbers(moved, shuffled(results, random))
    assert [one[name] for name in NUMBERS] == pytest.approx([other[name] for name in NUMBERS])


def test_an_ignore_key_does_nothing_and_an_annotations_id_of_0_is_an_id():
    coco = drawn_truth(np.random.default_rng(1))
    plain = {**coco, "annotations": [{k: v for k, v in a.items() if k != "ignore"} for a in coco["annotations"]]}
    ignored = {**coco, "annotations": [{**a, "ignore": 1} for a in coco["annotations"]]}
    results = truth_as_results(plain)
    assert coco["annotations"][0]["id"] == 0
    assert same_numbers(plain, results) == same_numbers(ignored, results)
    assert same_numbers(plain, results)["AR100"] == pytest.approx(1.0)


@pytest.mark.parametrize("name", SETS)
def test_real_data_found_as_it_is(name: str, shared):
    coco = json.loads((shared / SETS[name]).read_text())
    ap = same_numbers(coco, truth_as_results(coco))["AP"]
    # An image of the nuclei has more than 100 of them, and no more detections count.
    assert 0.97 < ap < 1.0 if name == "nuclei" else ap == pytest.approx(1.0)


@pytest.mark.parametrize("name", SETS)
def test_real_data_found_with_mistakes(name: str, shared):
    random = np.random.default_rng(2)
    coco = json.loads((shared / SETS[name]).read_text())
    coco = {key: shuffled(coco[key], random) for key in ("images", "categories", "annotations")}
    results = drawn_results(coco, random)
    found = same_numbers(coco, results)
    assert 0.02 < found["AP"] < 0.98
    assert found == mask_metrics(coco, results)
