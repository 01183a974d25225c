"""Enlarging a grid with OpenCV gives what torch gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sparseinst.masks.resample import Frame, resample


@pytest.mark.parametrize(
    ("image", "original"),
    [
        ((64, 96), (64, 96)),
        ((61, 90), (427, 640)),
        ((61, 90), (30, 45)),
        ((1, 96), (1, 1000)),
        ((33, 47), (7, 500)),
        ((64, 96), (1, 1)),
    ],
)
def test_it_equals_torch(image: tuple[int, int], original: tuple[int, int]) -> None:
    grid = torch.rand((16, 24), generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(grid[None, None], size=(64, 96), mode="bilinear", align_corners=False)
    expected = expected[:, :, : image[0], : image[1]]
    expected = F.interpolate(expected, size=original, mode="bilinear", align_corners=False)[0, 0]
    found = resample(grid.numpy(), Frame((64, 96), image, original))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-6)
