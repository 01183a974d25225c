"""What is taken from strangers, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparseinst.errors import DatasetError
from sparseinst.imaging.read import read_image
from sparseinst.serving.front_door.picture import MOST_BYTES, read_picture, warm_up
from tests.serving.front_door.door import drawn, encoded
from tests.serving.front_door.hostile import REFUSED, TAKEN

KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_says_why_and_what_to_do(what: str):
    content, reason = REFUSED[what]
    with pytest.raises(DatasetError) as caught:
        read_picture(content)
    assert reason in caught.value.problem
    assert caught.value.fix


@pytest.mark.parametrize("what", TAKEN)
def test_unusual_pictures_are_read(what: str):
    content, size = TAKEN[what]
    pixels = read_picture(content)
    assert pixels.shape == (*size, 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_as_everywhere_else(kind: str):
    content = encoded(drawn(31, 47), kind)
    np.testing.assert_array_equal(read_picture(content), read_image(content))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about damaged EXIF data
@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_refused_but_never_more(data: st.DataObject):
    content = bytearray(encoded(drawn(16, 24), data.draw(st.sampled_from(KINDS))))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        pixels = read_picture(bytes(content))
    except DatasetError as error:
        assert error.problem and error.fix
    else:
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3


def test_the_limit_of_bytes_is_checked_before_anything_else():
    with pytest.raises(DatasetError, match="MiB"):
        read_picture(bytes(MOST_BYTES + 1))


def test_warming_up_reads_one_picture_of_each_kind():
    warm_up()
