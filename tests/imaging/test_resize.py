import numpy as np
import pytest

from sparseinst.imaging.resize import resize_image, target_size


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (480, 640, (640, 853)),
        (640, 480, (853, 640)),
        (500, 500, (640, 640)),
        (427, 640, (569, 853)),  # the longer side is the limit
        (100, 1000, (85, 853)),
        (2, 4000, (1, 853)),  # never 0
    ],
)
def test_the_shorter_side_becomes_640_unless_the_longer_would_exceed_853(height, width, expected):
    assert target_size(height, width, 640, 853) == expected


def test_an_image_of_the_right_size_is_not_touched():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert resize_image(image, 20, 30) is image


def test_shrinking_averages_so_that_fine_stripes_turn_grey():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize_image(stripes, 16, 16)
    assert small.shape == (16, 16, 3)
    assert small.dtype == np.uint8
    assert abs(small[4:-4, 4:-4].astype(int) - 127).max() <= 8
