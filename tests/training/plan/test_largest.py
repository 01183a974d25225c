"""The micro-batch that a device holds."""

from __future__ import annotations

import pytest

from sparseinst.errors import ConfigError
from sparseinst.training.plan.largest import largest_micro_batch
from sparseinst.training.plan.memory import USABLE, Situation, estimate_memory
from tests.training.plan.small import small_run


def needed(images: int, *, on_cpu: bool = False) -> int:
    """Memory in which so many images fit, and no more."""
    situation = Situation(config=small_run(), num_classes=3, largest_objects=4, on_cpu=on_cpu)
    return int(estimate_memory(situation, images).total / USABLE) + 2


def test_a_share_that_fits_is_computed_at_once():
    assert largest_micro_batch(small_run(), 3, needed(16), 16, largest_objects=4) == 16


def test_it_is_the_largest_divisor_of_the_share_that_fits():
    assert largest_micro_batch(small_run(), 3, needed(11), 12, largest_objects=4) == 6
    assert largest_micro_batch(small_run(), 3, needed(11), 7, largest_objects=4) == 7
    assert largest_micro_batch(small_run(), 3, needed(6), 7, largest_objects=4) == 1


def test_a_cpu_has_other_needs_than_a_gpu():
    assert largest_micro_batch(small_run(), 3, needed(4, on_cpu=True), 16, largest_objects=4, on_cpu=True) == 4


def test_where_not_one_image_fits_it_says_how_much_is_missing_and_what_to_do():
    with pytest.raises(ConfigError) as caught:
        largest_micro_batch(small_run(), 3, 100_000_000, 4)
    assert caught.value.exit_code == 2
    text = str(caught.value)
    assert "One image of 128 x 128 pixels at a time needs about 0.7 GB in training" in text
    assert "0.1 GB can be used (90 % of 0.1 GB)" in text
    for way in ("more memory", "train.precision=bf16", "input.train_short_sides", "smaller model"):
        assert way in caught.value.fix
