"""Of several masks of one object the best stays."""

from __future__ import annotations

import numpy as np

from sparseinst.masks.suppress import suppress

OVERLAPS = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.7], [0.1, 0.7, 1.0]])


def test_a_worse_mask_of_the_same_object_goes() -> None:
    assert suppress(OVERLAPS, np.array([0.5, 0.9, 0.2]), np.zeros(3, np.int64), 0.75).tolist() == [1, 2]


def test_one_that_is_gone_suppresses_nobody() -> None:
    # 1 goes because of 0, so 2, which overlaps only with 1, stays.
    assert suppress(OVERLAPS, np.array([0.9, 0.5, 0.2]), np.zeros(3, np.int64), 0.6).tolist() == [0, 2]


def test_other_classes_are_left_alone_and_so_is_an_overlap_at_the_limit() -> None:
    assert suppress(OVERLAPS, np.array([0.5, 0.9, 0.2]), np.array([0, 1, 0]), 0.5).tolist() == [0, 1, 2]
    assert suppress(OVERLAPS, np.array([0.5, 0.9, 0.2]), np.zeros(3, np.int64), 0.8).tolist() == [0, 1, 2]


def test_of_equals_the_first_stays_and_nothing_gives_nothing() -> None:
    assert suppress(np.ones((3, 3)), np.full(3, 0.5), np.zeros(3, np.int64), 0.5).tolist() == [0]
    assert suppress(np.zeros((0, 0)), np.zeros(0), np.zeros(0, np.int64), 0.5).tolist() == []
