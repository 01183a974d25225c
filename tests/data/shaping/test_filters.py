"""What is too small or too large is left out, with a reason for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.shape import shape
from sparseinst.data.shaping.table import NEITHER, Everything
from tests.data.shaping.worlds import world, worlds


def kept_objects(everything: Everything, **settings: Any) -> list[int]:
    return np.flatnonzero(shape(everything, ShapeConfig(**settings)).category >= 0).tolist()


def kept_images(everything: Everything, **settings: Any) -> list[int]:
    return np.flatnonzero(shape(everything, ShapeConfig(**settings)).split != NEITHER).tolist()


def test_objects_of_exactly_the_least_and_the_most_area_stay() -> None:
    everything = world([[0] * 5], split=[0], area=[31, 32, 33, 64, 65])
    assert kept_objects(everything, min_area=32) == [1, 2, 3, 4]
    assert kept_objects(everything, max_area=64) == [0, 1, 2, 3]
    assert kept_objects(everything, min_area=32.5, max_area=64) == [2, 3]


def test_the_shorter_side_of_the_box_decides() -> None:
    everything = world([[0] * 3], split=[0], box=[[0, 0, 3, 90], [0, 0, 90, 3], [0, 0, 4, 4]])
    assert kept_objects(everything, min_side=3) == [0, 1, 2]
    assert kept_objects(everything, min_side=3.5) == [2]


def test_a_crowd_region_of_any_size_stays_unless_its_class_goes() -> None:
    everything = world([[0, 0, 1]], split=[0], crowd=[True, False, True], area=[1, 1, 10**6])
    assert kept_objects(everything, min_area=10, max_area=99, min_side=50) == [0, 2]
    assert kept_objects(everything, min_area=10, drop=("car",)) == [0]


def test_images_of_exactly_the_least_and_the_longest_side_stay() -> None:
    everything = world([[]] * 4, split=[0] * 4, heights=[100, 99, 300, 100], widths=[300, 300, 100, 301])
    assert kept_images(everything, min_image_side=100) == [0, 2, 3]
    assert kept_images(everything, max_image_side=300) == [0, 1, 2]
    assert kept_images(everything, min_image_side=100, max_image_side=300) == [0, 2]


def test_the_annotations_of_an_image_that_goes_go_too() -> None:
    everything = world([[0, 1], [0]], split=[0, 1], heights=[10, 100])
    result = shape(everything, ShapeConfig(min_image_side=50))
    assert result.category.tolist() == [-1, -1, 0]
    assert result.facts["images"] == {"given": 2, "kept": 1, "side_too_short": 1}
    assert result.facts["annotations"] == {"given": 3, "kept": 1, "image_left_out": 2}


def test_images_without_an_object_stay_unless_it_is_said_otherwise() -> None:
    everything = world([[0], [], [1], [2]], split=[0] * 4, crowd=[False, False, True])
    assert kept_images(everything) == [0, 1, 2, 3]
    assert kept_images(everything, keep_empty=False) == [0, 2]  # the last has nothing but a crowd region
    assert kept_images(everything, keep_empty=False, drop=("car",)) == [0]


def test_every_reason_is_counted() -> None:
    everything = world(
        [[0] * 4, [1], [2], []],
        split=[0] * 4,
        area=[1, 50, 999, 50, 50, 50],
        box=[[0, 0, 9, 9], [0, 0, 9, 1], [0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9]],
        widths=[200, 200, 999, 200],
    )
    config = ShapeConfig(
        min_area=2, max_area=100, min_side=2, drop=("car",), max_image_side=500, keep_empty=False
    )  # fmt: skip
    facts = shape(everything, config).facts
    assert facts["images"] == {"given": 4, "kept": 1, "side_too_long": 1, "without_objects": 2}
    assert facts["annotations"] == {
        "given": 6, "kept": 1, "class_left_out": 1, "area_too_small": 1, "area_too_large": 1, "side_too_short": 1,
        "image_left_out": 1,
    }  # fmt: skip


@settings(deadline=None)
@given(worlds(splits=(0, 1)), st.integers(0, 300), st.integers(0, 15), st.integers(0, 30), st.booleans())
def test_the_counts_add_up(everything: Everything, area: int, side: int, image_side: int, keep_empty: bool) -> None:
    config = ShapeConfig(
        min_area=area, min_side=side, min_image_side=image_side, keep_empty=keep_empty, drop=("bus",), subset=5
    )
    result = shape(everything, config)
    for kind, count in (("images", len(everything.names)), ("annotations", len(everything.image))):
        given_, *others = result.facts[kind].values()
        assert given_ == count == sum(others)
    assert result.facts["annotations"]["kept"] == np.count_nonzero(result.category >= 0)
    assert result.facts["images"]["kept"] == np.count_nonzero(result.split != NEITHER)
    parts = [result.facts["split"][part] for part in ("train", "val")]
    assert sum(part["images"] for part in parts) == result.facts["images"]["kept"]
    assert sum(part["instances"] for part in parts) == result.facts["annotations"]["kept"]
    assert (result.split[everything.image[result.category >= 0]] != NEITHER).all()


@pytest.mark.parametrize("settings", [{}, {"subset": 10}, {"min_area": 5, "keep_empty": False}])
def test_nothing_becomes_nothing(settings: dict[str, Any]) -> None:
    result = shape(world([]), ShapeConfig(**settings))
    assert len(result.split) == len(result.category) == 0
    assert result.facts["images"] == result.facts["annotations"] == {"given": 0, "kept": 0}
