import numpy as np
import pytest

from sparseinst.errors import ConfigError
from sparseinst.imaging.read import read_image
from sparseinst.imaging.write import write_image

GRADIENT = np.stack(np.meshgrid(np.arange(60), np.arange(40), [128], indexing="xy"), -1)[:, :, 0].astype(np.uint8)


def test_png_is_exact_and_jpeg_is_close(tmp_path):
    write_image(tmp_path / "new" / "a.png", GRADIENT)
    np.testing.assert_array_equal(read_image(tmp_path / "new" / "a.png"), GRADIENT)
    write_image(tmp_path / "a.JPG", GRADIENT)
    assert abs(read_image(tmp_path / "a.JPG").astype(int) - GRADIENT).max() <= 6


def test_an_unknown_suffix_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ConfigError, match="gif"):
        write_image(tmp_path / "a.gif", GRADIENT)
    assert list(tmp_path.iterdir()) == []
