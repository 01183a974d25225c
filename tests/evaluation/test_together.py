"""Whole batches are shared, so that an image has the same company in any group of processes."""

from __future__ import annotations

import pytest

from sparseinst.evaluation.together import Alone, batches, processes, share


@pytest.mark.parametrize("count", [0, 1, 7, 12])
@pytest.mark.parametrize("world", [1, 2, 3])
def test_every_batch_is_looked_at_once_whatever_the_number_of_processes(count: int, world: int) -> None:
    alone = batches(list(range(count)), 4)
    assert [image for batch in alone for image in batch] == list(range(count))
    shared = [batch for rank in range(world) for batch in share(alone, Alone(rank, world, rank == 0))]
    assert sorted(shared) == alone


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes() as group:
        assert group.is_main and group.gather(3) == [3] and group.from_main(4) == 4
