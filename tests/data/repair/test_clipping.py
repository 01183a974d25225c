"""Clipping at the image's edges changes outlines, and never a pixel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.repair.clipping import clip, clipped
from sparseinst.data.repair.grid import fewest, grid_line
from sparseinst.masks.coco import segmentation_to_mask

SIZE = (23, 31)  # height, width
coordinates = st.floats(-60, 90).map(lambda value: round(value, 2)) | st.integers(-60, 90)
polygons = st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9), min_size=1, max_size=3)


def test_a_corner_outside_gives_way_to_two_at_the_edge():
    assert clip([(-2, 0), (2, 0), (2, 4)], SIZE) == [(0, 2.0), (0, 0.0), (2, 0), (2, 4)]


def test_an_outline_within_the_image_stays_as_it_is():
    outline = [(0, 0), (31, 0.5), (31, 23), (7, 3)]
    assert clip(outline, SIZE) == outline


def test_an_outline_beside_the_image_leaves_nothing():
    assert clip([(40, 1), (50, 1), (45, 5)], SIZE) == []
    assert clipped([[40, 1, 50, 1, 45, 5]], SIZE) is None


def test_a_part_beside_the_image_is_dropped():
    assert clipped([[40, 1, 50, 1, 45, 5], [1, 1, 9, 1, 9, 9]], SIZE) == [[1, 1, 9, 1, 9, 9]]


@settings(max_examples=400, deadline=None)
@given(polygons)
def test_every_polygon_can_be_clipped_without_a_pixel_changing(parts: list[list[tuple[float, float]]]):
    flat = [[value for point in part for value in point] for part in parts]
    new = clipped(flat, SIZE)
    mask = segmentation_to_mask(flat, *SIZE)
    if not mask.any():
        assert new is None
        return
    assert new is not None
    assert np.array_equal(segmentation_to_mask(new, *SIZE), mask)
    for part in new:
        assert min(part) >= 0 and max(part[0::2]) <= SIZE[1] and max(part[1::2]) <= SIZE[0]


grid_points = st.tuples(st.integers(0, 200), st.integers(0, 200))


@given(grid_points, grid_points)
def test_a_line_takes_one_step_at_a_time_and_few_points_lie_on_it(begin: tuple[int, int], end: tuple[int, int]):
    course = grid_line(begin, end)
    assert (course[0], course[-1]) == (begin, end)
    assert all(max(abs(a - c), abs(b - d)) == 1 for (a, b), (c, d) in pairwise(course))
    assert set(fewest(course, 40)) <= set(course)
