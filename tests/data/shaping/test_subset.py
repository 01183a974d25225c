"""A quick run's subset is a small picture of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.shape import shape
from sparseinst.data.shaping.table import TRAIN, VAL, Everything
from tests.data.shaping.worlds import skewed, world, worlds


def rows(everything: Everything, part: int, **settings: Any) -> set[int]:
    return set(np.flatnonzero(shape(everything, ShapeConfig(**settings)).split == part).tolist())


def test_train_has_the_asked_number_and_val_its_proportion() -> None:
    everything = world([[0]] * 1000, split=[TRAIN] * 800 + [VAL] * 200)
    result = shape(everything, ShapeConfig(subset=100))
    assert result.facts["split"]["train"]["images"] == 100
    assert result.facts["split"]["val"]["images"] == 25
    assert result.facts["images"] == {"given": 1000, "kept": 125, "beyond_subset": 875}
    assert result.facts["annotations"] == {"given": 1000, "kept": 125, "image_left_out": 875}


def test_val_has_at_least_one_image() -> None:
    everything = world([[0]] * 100, split=[TRAIN] * 90 + [VAL] * 10)
    assert len(rows(everything, VAL, subset=1)) == 1
    assert len(rows(everything, TRAIN, subset=1)) == 1


def test_a_subset_that_is_larger_than_the_whole_is_the_whole() -> None:
    everything = world([[0]] * 100, split=[TRAIN] * 90 + [VAL] * 10)
    assert shape(everything, ShapeConfig(subset=90)).facts["images"]["kept"] == 100
    assert shape(everything, ShapeConfig(subset=5000)).facts["images"]["kept"] == 100


@settings(deadline=None)
@given(worlds(splits=(TRAIN, VAL)), st.integers(1, 12), st.integers(1, 12), st.integers(0, 3))
def test_a_smaller_subset_lies_within_a_larger_one(everything: Everything, one: int, more: int, seed: int) -> None:
    for part in (TRAIN, VAL):
        small, large = (rows(everything, part, subset=size, seed=seed) for size in (one, one + more))
        assert small <= large
    assert len(rows(everything, TRAIN, subset=one)) == min(one, np.count_nonzero(everything.split == TRAIN))


def test_every_class_is_there_in_its_proportion() -> None:
    everything = skewed(4000, 30, split=TRAIN)
    shown = np.unique(np.stack([everything.image, everything.category], 1), axis=0)
    total = np.bincount(shown[:, 1])
    for size in (250, 300, 1000, 1777):
        chosen = np.isin(shown[:, 0], list(rows(everything, TRAIN, subset=size)))
        found = np.bincount(shown[chosen, 1], minlength=30)
        assert found.min() >= 1
        assert np.abs(found - total * size / 4000).max() <= 0.02 * size


def test_a_subset_comes_after_the_split() -> None:
    everything = skewed(1000, 10)
    whole = {part: rows(everything, part, val_share=0.2) for part in (TRAIN, VAL)}
    assert rows(everything, TRAIN, val_share=0.2, subset=80) < whole[TRAIN]
    assert rows(everything, VAL, val_share=0.2, subset=80) < whole[VAL]
