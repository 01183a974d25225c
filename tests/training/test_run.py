"""How many ranks share a batch."""

from __future__ import annotations

import pytest

from sparseinst.training.ranks.shares import most_ranks


@pytest.mark.parametrize(
    ("batch_size", "gpus", "ranks"), [(64, 8, 8), (16, 3, 2), (16, 6, 4), (7, 4, 1), (16, 0, 0), (4, 8, 4)]
)
def test_as_many_gpus_are_used_as_can_share_the_batch(batch_size: int, gpus: int, ranks: int) -> None:
    assert most_ranks(batch_size, gpus) == ranks
