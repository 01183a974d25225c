"""How large images get in training."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.data.config import InputConfig
from sparseinst.training.plan.sizes import mean_pixels, worst_size


def test_a_step_with_lying_and_standing_images_is_padded_to_a_square():
    assert worst_size(InputConfig(), images=64) == (864, 864)
    assert worst_size(InputConfig(), images=64, mixed_orientations=False) == (640, 864)


def test_a_single_image_is_never_padded_to_a_square():
    assert worst_size(InputConfig(crop=0.5), images=1) == (640, 864)


def test_a_crop_can_stand_where_all_images_lie():
    assert worst_size(InputConfig(crop=0.5), images=2, mixed_orientations=False) == (864, 864)


def test_the_longest_side_limits_the_short_one():
    assert worst_size(InputConfig(train_short_sides=(800,), train_longest_side=500), images=1) == (512, 512)


def test_the_mean_is_that_of_drawn_steps():
    config = InputConfig()
    random = np.random.default_rng(0)
    largest = random.choice(config.train_short_sides, (20_000, 8)).max(1)
    pixels = [short * -(-min(853, round(short * 4 / 3)) // 32) * 32 for short in largest.tolist()]
    assert mean_pixels(config, images=8) == pytest.approx(np.mean(pixels), rel=0.01)


def test_one_scale_for_a_batch_makes_smaller_steps():
    assert mean_pixels(InputConfig(scale_per="batch"), images=64) == mean_pixels(InputConfig(), images=1)
    assert mean_pixels(InputConfig(scale_per="batch"), images=64) < 0.75 * mean_pixels(InputConfig(), images=64)


def test_a_mean_image_is_no_larger_than_the_worst():
    height, width = worst_size(InputConfig(), images=64, mixed_orientations=False)
    assert mean_pixels(InputConfig(), images=1000) <= height * width
