"""Parts of the images have COCO's AP of these images alone."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.evaluation.analysis.average_precision import WeightedAP, mean_ap
from sparseinst.evaluation.analysis.slices import slices, worst_slice
from tests.evaluation.analysis.cases import Scenes, pycocotools_ap
from tests.evaluation.analysis.tables import table_of


def test_the_parts_by_crowding_are_all_images_once_and_each_has_its_own_ap() -> None:
    scenes = Scenes(4, 25)
    table = scenes.table
    parts = slices(WeightedAP(table), {})
    assert [part["name"] for part in parts] == ["0-2", "3-9"]
    assert sum(part["images"] for part in parts) == 25
    assert sum(part["instances"] for part in parts) == len(table.object_image)
    many = np.bincount(table.object_image, minlength=25) >= 3
    for part, chosen in zip(parts, (~many, many), strict=True):
        theirs = pycocotools_ap(scenes, table.image_ids[chosen].tolist())
        assert part["by"] == "crowding"
        assert part["AP"] == pytest.approx(mean_ap(theirs), abs=1e-12)
        assert part["AP50"] == pytest.approx(mean_ap(theirs[:, :1]), abs=1e-12)


def test_images_are_told_apart_by_how_many_objects_they_have() -> None:
    counts = (0, 2, 3, 9, 10, 29, 30, 99, 100)
    things = [(image, 0, 10) for image, count in enumerate(counts) for _ in range(count)]
    parts = slices(WeightedAP(table_of([], things, images=len(counts))), {})
    assert {part["name"]: (part["images"], part["instances"]) for part in parts} == {
        "0-2": (2, 2),
        "3-9": (2, 12),
        "10-29": (2, 39),
        "30-99": (2, 129),
        "100+": (1, 100),
    }


def test_a_tag_is_a_part_and_an_image_may_have_several_or_none() -> None:
    rows = [(0, 0, 0.9, 10), (1, 0, 0.8, 0)]
    table = table_of(rows, [(0, 0, 10), (1, 0, 0)], images=3)
    tags = {"night": [10, 11], "day": [10], "rain": [12], "unseen": []}
    found = {part["name"]: part for part in slices(WeightedAP(table), tags) if part["by"] == "tag"}
    assert list(found) == ["night", "day", "rain", "unseen"]
    assert (found["day"]["images"], found["day"]["instances"]) == (1, 1)
    assert (found["day"]["AP"], found["day"]["AP50"]) == pytest.approx((1, 1))
    assert found["night"]["AP"] == pytest.approx(51 / 101)
    assert found["rain"] == {"by": "tag", "name": "rain", "images": 1, "instances": 0, "AP": None, "AP50": None}
    assert found["unseen"]["images"] == 0


def test_the_worst_part_has_enough_objects_and_is_not_everything() -> None:
    def part(name: str, images: int, instances: int, ap: float | None) -> dict:
        return {"by": "tag", "name": name, "images": images, "instances": instances, "AP": ap, "AP50": ap}

    everything, few, none = part("all", 9, 90, 0.1), part("few", 2, 9, 0.2), part("none", 3, 0, None)
    bad, good = part("bad", 3, 10, 0.3), part("good", 3, 50, 0.6)
    assert worst_slice([everything, few, none, good, bad], 9) == bad
    assert worst_slice([everything, few, none], 9) is None
    assert worst_slice([], 0) is None
