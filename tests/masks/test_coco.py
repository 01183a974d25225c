"""Masks survive every form that COCO has, to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as pycocotools_mask

from sparseinst.masks.coco import (
    counts_of_rle_string,
    mask_to_counts,
    mask_to_polygons,
    mask_to_rle,
    mask_to_segmentation,
    segmentation_to_mask,
)

masks = st.tuples(st.integers(1, 24), st.integers(1, 24)).flatmap(lambda shape: arrays(np.bool_, shape))


@given(masks)
@settings(max_examples=200, deadline=None)
def test_any_mask_survives_every_form(mask: np.ndarray):
    for write in (mask_to_rle, mask_to_counts, mask_to_segmentation):
        assert np.array_equal(segmentation_to_mask(write(mask), *mask.shape), mask), write.__name__


@given(masks)
@settings(max_examples=200, deadline=None)
def test_both_forms_of_rle_say_the_same_counts(mask: np.ndarray):
    counts = mask_to_counts(mask)["counts"]
    assert counts_of_rle_string(mask_to_rle(mask)["counts"]) == counts
    assert sum(counts) == mask.size
    assert sum(counts[1::2]) == mask.sum()


@given(st.text(alphabet=st.characters(min_codepoint=40, max_codepoint=120), max_size=30))
@settings(max_examples=200, deadline=None)
def test_damaged_counts_are_an_error_or_numbers_but_never_a_crash(text: str):
    try:
        counts = counts_of_rle_string(text)
    except ValueError as error:
        assert "counts" in str(error)
    else:
        assert all(isinstance(count, int) for count in counts)


def test_long_runs_survive():
    mask = np.zeros((3000, 2000), np.uint8)
    mask[2999, 1999] = mask[5, 5] = 1
    assert counts_of_rle_string(mask_to_rle(mask)["counts"]) == mask_to_counts(mask)["counts"]


def test_a_mask_with_a_hole_has_no_polygons():
    mask = np.ones((9, 9), bool)
    mask[4, 4] = False
    assert mask_to_polygons(mask) is None
    assert isinstance(mask_to_segmentation(mask), dict)


def test_two_parts_are_two_polygons():
    mask = np.zeros((10, 10), bool)
    mask[1:4, 1:4] = mask[6:9, 6:9] = True
    polygons = mask_to_polygons(mask)
    assert polygons is not None
    assert sorted(map(sorted, polygons)) == [[1, 1, 1, 1, 4, 4, 4, 4], [6, 6, 6, 6, 9, 9, 9, 9]]


def test_an_empty_mask_is_an_empty_rle():
    assert mask_to_polygons(np.zeros((4, 5), bool)) is None
    assert mask_to_counts(np.zeros((4, 5), bool))["counts"] == [20]
    assert not segmentation_to_mask([], 4, 5).any()


def test_polygons_are_a_union_and_end_at_the_image():
    square = [2, 2, 6, 2, 6, 6, 2, 6]
    beyond = [-5, -5, 3, -5, 3, 3, -5, 3]
    mask = segmentation_to_mask([square, beyond], 8, 8)
    assert mask.dtype == np.uint8
    assert mask.sum() == 16 + 9 - 1


@pytest.mark.parametrize("shape", [(7, 3), (3, 7)])
def test_masks_come_as_height_by_width(shape: tuple[int, int]):
    mask = np.zeros(shape, np.uint8)
    mask[0, :] = 1
    assert segmentation_to_mask(mask_to_rle(mask), *shape).shape == shape
    assert mask_to_rle(mask)["size"] == list(shape)
    assert int(pycocotools_mask.area(mask_to_rle(mask))) == shape[1]
