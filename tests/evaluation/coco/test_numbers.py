import contextlib
import copy
import io
import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sparseinst.evaluation.coco.numbers import NUMBERS, mask_metrics
from sparseinst.masks.coco import segmentation_to_mask, segmentation_to_rle

SETS = {
    "balloon": "data/balloon/annotations/instances_val.json",
    "coco2017-mini": "data/coco2017-mini/annotations/instances_val2017.json",
}


def square(top: int, left: int, side: int) -> list[list[float]]:
    return [[left, top, left + side, top, left + side, top + side, left, top + side]]


def small_coco() -> dict:
    """Three images: small, medium and large objects; a crowd region; nothing."""
    objects = [
        (1, 3, square(10, 10, 20), 0),
        (1, 5, square(50, 50, 60), 0),
        (2, 3, square(0, 0, 150), 0),
        (2, 5, square(160, 20, 30), 1),
    ]
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg", "height": 200, "width": 220} for i in (1, 2, 3)],
        "categories": [{"id": 3, "name": "disc"}, {"id": 5, "name": "star"}, {"id": 9, "name": "absent"}],
        "annotations": [
            {
                "id": number,  # from 0, which pycocotools itself does not count as a match
                "image_id": image,
                "category_id": category,
                "segmentation": polygon,
                "area": float(segmentation_to_mask(polygon, 200, 220).sum()),
                "iscrowd": crowd,
                "bbox": [0, 0, 1, 1],
            }
            for number, (image, category, polygon, crowd) in enumerate(objects)
        ],
    }


def as_results(coco: dict, *, shift: int = 0, seed: int = 0) -> list[dict]:
    """The truth (without crowds) as detections, moved down by `shift` pixels, with scores drawn at random."""
    sizes = {image["id"]: (image["height"], image["width"]) for image in coco["images"]}
    random = np.random.default_rng(seed)
    results = []
    for annotation in coco["annotations"]:
        if not annotation.get("iscrowd"):
            mask = np.roll(segmentation_to_mask(annotation["segmentation"], *sizes[annotation["image_id"]]), shift, 0)
            rle = coco_mask.encode(np.asfortranarray(mask))
            results.append(
                {
                    "image_id": annotation["image_id"],
                    "category_id": annotation["category_id"],
                    "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
                    "score": float(random.random()),
                }
            )
    return results


def by_pycocotools(coco: dict, results: list[dict]) -> list[float | None]:
    """The 12 numbers as pycocotools' own documentation computes them."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = copy.deepcopy(coco)
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(copy.deepcopy(results)), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [None if value == -1 else value for value in evaluation.stats]


def test_the_truth_as_its_own_detections_is_perfect():
    metrics = mask_metrics(small_coco(), as_results(small_coco()))
    assert [metrics[name] for name in NUMBERS] == pytest.approx([1.0] * 6 + [1.0] * 6)
    assert metrics["undefined"] == {}
    perfect = dict.fromkeys(("AP", "AP50", "AP75", "AR"), pytest.approx(1.0))
    assert metrics["per_class"] == {
        "disc": {**perfect, "instances": 2},
        "star": {**perfect, "instances": 1},
        "absent": {**dict.fromkeys(perfect), "instances": 0},
    }


def test_finding_nothing_is_0_and_not_an_error():
    metrics = mask_metrics(small_coco(), [])
    assert [metrics[name] for name in NUMBERS] == [0.0] * 12


def test_without_any_object_every_number_is_undefined_for_a_stated_reason():
    coco = small_coco()
    coco["annotations"] = [a for a in coco["annotations"] if a["iscrowd"]]
    metrics = mask_metrics(coco, as_results(small_coco()))
    assert all(metrics[name] is None for name in NUMBERS)
    assert set(metrics["undefined"]) == set(NUMBERS)
    assert "no object" in metrics["undefined"]["AP"]
    json.dumps(metrics, allow_nan=False)
    assert mask_metrics({**coco, "annotations": []}, [])["AP"] is None


def test_only_the_sizes_that_are_absent_are_undefined():
    coco = small_coco()
    coco["annotations"] = [a for a in coco["annotations"] if a["area"] > 96**2]
    metrics = mask_metrics(coco, as_results(coco))
    assert set(metrics["undefined"]) == {"APs", "APm", "ARs", "ARm"}
    assert "under 32 x 32" in metrics["undefined"]["APs"]


def test_a_detection_inside_a_crowd_region_is_neither_right_nor_wrong():
    coco = small_coco()
    crowd = next(a for a in coco["annotations"] if a["iscrowd"])
    inside = {
        "image_id": crowd["image_id"],
        "category_id": crowd["category_id"],
        "segmentation": segmentation_to_rle(square(165, 25, 10), 200, 220),
        "score": 0.99,
    }
    assert mask_metrics(coco, [*as_results(coco), inside])["AP"] == pytest.approx(1.0)
    beside = {**inside, "segmentation": segmentation_to_rle(square(10, 180, 10), 200, 220)}
    assert mask_metrics(coco, [*as_results(coco), beside])["AP"] < 0.9


def test_missing_area_and_iscrowd_are_filled_in_and_the_input_is_not_changed():
    coco = small_coco()
    for annotation in coco["annotations"]:
        del annotation["area"]
        if not annotation["iscrowd"]:
            del annotation["iscrowd"]
    before = copy.deepcopy(coco)
    assert mask_metrics(coco, as_results(coco)) == mask_metrics(small_coco(), as_results(small_coco()))
    assert coco == before


def test_detections_of_other_categories_do_not_count():
    stranger = {**as_results(small_coco())[0], "category_id": 77, "score": 1.0}
    assert mask_metrics(small_coco(), [stranger, *as_results(small_coco())])["AP"] == pytest.approx(1.0)


def test_nothing_is_printed(capfd):
    mask_metrics(small_coco(), as_results(small_coco()))
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", SETS)
def test_real_data_gives_1_for_itself_and_pycocotools_own_numbers_for_shifted_masks(name, shared):
    coco = json.loads((shared / SETS[name]).read_text())
    perfect = mask_metrics(coco, as_results(coco))
    assert perfect["AP"] == pytest.approx(1.0)
    assert perfect["AR100"] == pytest.approx(1.0)
    shifted = as_results(coco, shift=4)
    numbers = mask_metrics(coco, shifted)
    assert [numbers[number] for number in NUMBERS] == by_pycocotools(coco, shifted)
    assert 0.1 < numbers["AP"] < 0.95
