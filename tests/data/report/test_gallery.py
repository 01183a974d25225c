from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sparseinst.data.categories import Category
from sparseinst.data.report.gallery import describe, draw_picture
from tests.data.report.example import table

CLASSES = [Category(1, "cell"), Category(2, "speck")]


def _decoded(jpeg):
    return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB")).astype(int)


@pytest.mark.parametrize(
    ("height", "width", "size"), [(900, 1600, (480, 270)), (1600, 900, (360, 640)), (480, 360, (360, 480))]
)
def test_pictures_fit_into_480_times_640_pixels(height, width, size):
    jpeg = draw_picture(np.zeros((height, width, 3), np.uint8), [], [], CLASSES)
    assert Image.open(BytesIO(jpeg)).size == size


def test_an_object_is_coloured_where_it_is_and_nowhere_else():
    grey = np.full((600, 960, 3), 128, np.uint8)
    left_half = [[0.0, 0.0, 480.0, 0.0, 480.0, 600.0, 0.0, 600.0]]
    plain, drawn = (_decoded(draw_picture(grey, *objects, CLASSES)) for objects in (([], []), ([left_half], [0])))
    changed = np.abs(drawn - plain).max(axis=2) > 12
    assert changed[:, :230].mean() > 0.95
    assert changed[:, 250:].mean() < 0.01


def test_an_object_smaller_than_a_pixel_of_the_picture_can_still_be_seen():
    grey = np.full((2000, 2000, 3), 128, np.uint8)
    speck = {"size": [2000, 2000], "counts": [2000 * 1000 + 1000, 1, 2000 * 2000 - 2000 * 1000 - 1001]}
    assert np.abs(_decoded(draw_picture(grey, [speck], [1], CLASSES)) - 128).max() > 60


def test_names_that_no_font_can_write_are_no_obstacle():
    square = [[5.0, 5.0, 90.0, 5.0, 90.0, 90.0]]
    for name in ("\ud800", "", "\n", "x" * 3000, "\u0000", "猫"):
        assert draw_picture(np.zeros((100, 100, 3), np.uint8), [square], [0], [Category(1, name)])


def test_the_caption_counts_classes_and_names_the_first_four():
    classes = [Category(n, f"kind {n}") for n in range(7)]
    kinds = [3, 3, 3, 1, 1, 0, 2, 4, 5]
    split = table(objects=[*((0, kind, False, (0, 0, 2, 2)) for kind in kinds), (0, 6, True, (0, 0, 2, 2))])
    assert describe(split, 0, classes) == (
        "60 × 40 px", "9 objects", "kind 3 3, kind 1 2, kind 0, kind 2, 2 more classes", "1 crowd region",
    )  # fmt: skip
    assert describe(table(), 0, classes) == ("60 × 40 px", "no objects")
