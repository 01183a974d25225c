"""Painted masks are pycocotools' to the pixel, whatever the polygon or RLE."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as pycocotools_mask

from sparseinst.masks.coco import counts_of_rle_string, mask_to_rle
from sparseinst.masks.paint import counts_of_rle_bytes, paint, polygon_runs, rle_runs

# From far outside of the image to far outside on the other side, whole and fractional.
coordinates = st.one_of(
    st.floats(-40, 70, allow_nan=False, width=32), st.integers(-3, 40).map(float), st.just(0.5), st.floats(9, 9.5)
)
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=12).map(
    lambda points: np.array(points, np.float64).ravel()
)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(st.lists(polygons, min_size=1, max_size=4), sizes)
@settings(max_examples=400, deadline=None)
def test_polygons_of_any_parts_become_pycocotools_pixels(parts: list[np.ndarray], size: tuple[int, int]):
    painted = np.zeros(size, np.uint8)
    for runs in polygon_runs(parts, *size):
        paint(runs, painted)
    rle = pycocotools_mask.merge(pycocotools_mask.frPyObjects([part.tolist() for part in parts], *size))
    np.testing.assert_array_equal(painted, pycocotools_mask.decode(rle))


@given(sizes.flatmap(lambda size: arrays(np.bool_, size)))
@settings(max_examples=300, deadline=None)
def test_any_rle_with_holes_and_islands_becomes_its_pixels(mask: np.ndarray):
    painted = np.zeros(mask.shape, np.uint8)
    counts = mask_to_rle(mask)["counts"]
    paint(rle_runs([counts.encode()], *mask.shape)[0], painted)
    np.testing.assert_array_equal(painted, mask)
    assert counts_of_rle_bytes([counts.encode()])[0].tolist() == counts_of_rle_string(counts)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_counts_with_runs_of_nothing_in_between_become_pycocotools_pixels(counts: list[int]):
    height = 7
    counts.append(-sum(counts) % height + height)
    width = sum(counts) // height
    rle = pycocotools_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    painted = np.zeros((height, width), np.uint8)
    paint(rle_runs([rle["counts"]], height, width)[0], painted)
    np.testing.assert_array_equal(painted, pycocotools_mask.decode(rle))


def test_long_runs_keep_all_their_digits():
    mask = np.zeros((3000, 2000), np.uint8)
    mask[2999, 1999] = mask[5, 5] = 1
    painted = np.zeros_like(mask)
    paint(rle_runs([mask_to_rle(mask)["counts"].encode()], 3000, 2000)[0], painted)
    np.testing.assert_array_equal(painted, mask)


def test_real_photographs_objects_become_pycocotools_pixels_at_another_size(shared):
    import json

    content = json.loads((shared / "data/coco2017-mini/annotations/instances_val2017.json").read_text())
    objects = [a["segmentation"] for a in content["annotations"] if not a["iscrowd"]]
    assert len(objects) > 400
    for parts in objects:
        scaled = [np.array(part) * 1.3331 for part in parts]
        painted = np.zeros((853, 853), np.uint8)
        for runs in polygon_runs(scaled, 853, 853):
            paint(runs, painted)
        rle = pycocotools_mask.merge(pycocotools_mask.frPyObjects([part.tolist() for part in scaled], 853, 853))
        assert np.array_equal(painted, pycocotools_mask.decode(rle))


@pytest.mark.parametrize("counts", [b"", b"5", b"!!", b"P", b"oooooooooooooooo", b"30N", b"\xff"])
def test_damaged_counts_are_an_error(counts: bytes):
    with pytest.raises(ValueError, match="RLE"):
        rle_runs([counts], 3, 4)


@given(st.binary(max_size=30))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_it_write_outside_of_the_image(counts: bytes):
    mask = np.zeros((4, 5), np.uint8)
    try:
        paint(rle_runs([counts], 4, 5)[0], mask)
    except ValueError as error:
        assert "RLE" in str(error)


@given(st.lists(arrays(np.bool_, (5, 6)), max_size=6))
@settings(max_examples=100, deadline=None)
def test_several_rles_are_read_as_one_by_one(drawn: list[np.ndarray]):
    texts = [mask_to_rle(mask)["counts"].encode() for mask in drawn]
    together = rle_runs(texts, 5, 6)
    assert [runs.starts.tolist() for runs in together] == [rle_runs([t], 5, 6)[0].starts.tolist() for t in texts]
    assert [runs.stops.tolist() for runs in together] == [rle_runs([t], 5, 6)[0].stops.tolist() for t in texts]
    for broken in (b"", b"P", b"5"):
        with pytest.raises(ValueError, match="RLE"):
            rle_runs([*texts, broken, *texts], 5, 6)
