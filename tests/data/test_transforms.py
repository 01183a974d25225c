"""Augmentation changes an image and its masks alike, and is decided by its random generator alone."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.data.config import InputConfig
from sparseinst.data.transforms import augment, jitter_colours, resize_segmentation
from sparseinst.masks.coco import mask_to_rle

SQUARE = [[10.0, 10.0, 30.0, 10.0, 30.0, 30.0, 10.0, 30.0]]


def scene() -> np.ndarray:
    """A white square on black, exactly where SQUARE is."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:30, 10:30] = 255
    return image


@pytest.mark.parametrize("seed", range(8))
def test_masks_stay_on_their_objects(seed: int) -> None:
    config = InputConfig(train_longest_side=1000, vertical_flip=0.5)
    image, target = augment(scene(), [(2, SQUARE)], 80, config, np.random.default_rng(seed))
    assert image.shape == (80, 120, 3)
    assert target.classes.tolist() == [2]
    white = image[:, :, 0] > 127
    assert (white != target.masks[0].numpy().astype(bool)).mean() < 0.01


def test_the_same_generator_gives_the_same_example_and_another_one_another() -> None:
    config = InputConfig(train_longest_side=1000, colour_jitter=0.3)
    results = [augment(scene(), [(0, SQUARE)], 40, config, np.random.default_rng(seed))[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_rle_and_polygons_scale_to_the_same_mask() -> None:
    polygon = resize_segmentation(SQUARE, (40, 60), (40, 60))
    rle = mask_to_rle(polygon)
    larger = resize_segmentation(rle, (40, 60), (80, 120))
    assert (larger != resize_segmentation(SQUARE, (40, 60), (80, 120))).mean() < 0.01


def test_an_object_that_vanishes_is_dropped() -> None:
    speck = [[0.0, 0.0, 0.2, 0.0, 0.2, 0.2]]
    config = InputConfig(train_longest_side=1000)
    _, target = augment(scene(), [(0, speck), (1, SQUARE)], 20, config, np.random.default_rng(0))
    assert target.classes.tolist() == [1]
    assert target.masks.shape == (1, 20, 30)
    _, nothing = augment(scene(), [], 20, config, np.random.default_rng(0))
    assert nothing.masks.shape == (0, 20, 30)


def test_colours_stray_within_their_bounds() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    strayed = [jitter_colours(grey, 0.5, np.random.default_rng(seed)) for seed in range(50)]
    values = np.stack(strayed).astype(int)
    assert values.min() >= 100 * 0.5 - 32 and values.max() <= 100 * 1.5 + 32
    assert values.std() > 10
    np.testing.assert_array_equal(jitter_colours(grey, 0.0, np.random.default_rng(0)), grey)
