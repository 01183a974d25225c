"""The order of images depends on the seed alone: not on stops, not on the number of ranks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sparseinst.data.loading.sampler import EndlessBatches

TALL = np.arange(10) % 2 == 0


def positions(**kwargs: int) -> list[list[int]]:
    batches = EndlessBatches(TALL, **{"batch_size": 4, "seed": 3, "start": 0, "stop": 10, **kwargs})
    return [[key.image for key in batch] for batch in batches]


def test_every_epoch_shows_each_image_once() -> None:
    flat = [image for batch in positions() for image in batch]
    for epoch in range(4):
        assert Counter(flat[epoch * 10 : epoch * 10 + 10]) == Counter(range(10))
    assert flat[:10] != flat[10:20]


def test_a_later_start_gives_the_rest_of_the_same_sequence() -> None:
    assert positions(start=6) == positions()[6:]


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_share_the_same_global_batches(world_size: int) -> None:
    shares = [positions(rank=rank, world_size=world_size) for rank in range(world_size)]
    joined = [[image for part in parts for image in part] for parts in zip(*shares, strict=True)]
    assert joined == positions()


def test_another_seed_gives_another_order() -> None:
    assert positions(seed=4) != positions()


def test_most_batches_hold_images_of_one_orientation() -> None:
    tall = np.arange(400) % 2 == 0
    batches = list(EndlessBatches(tall, batch_size=8, seed=0, start=0, stop=50))
    mixed = [len({bool(tall[key.image]) for key in batch}) > 1 for batch in batches]
    assert sum(mixed) <= 5
    assert Counter(key.image for batch in batches for key in batch) == Counter(range(400))


@pytest.mark.parametrize(("images", "batch_size", "world_size"), [(10, 4, 2), (37, 6, 3), (7, 8, 4), (5, 4, 4)])
def test_ranks_and_resumes_together_visit_each_image_of_an_epoch_exactly_once(
    images: int, batch_size: int, world_size: int
) -> None:
    tall = np.arange(images) % 3 == 0
    stop = 3 * images  # so that batches and epochs end together
    seen: dict[int, int] = {}
    start = 0
    for length in (1, 4, 2, 11, stop):  # each run is stopped after so many iterations, and resumed
        end = min(start + length, stop)
        for rank in range(world_size):
            batches = EndlessBatches(
                tall, batch_size=batch_size, seed=5, start=start, stop=end, rank=rank, world_size=world_size
            )
            for key in (key for batch in batches for key in batch):
                assert key.position not in seen
                seen[key.position] = key.image
        start = end
    assert sorted(seen) == list(range(stop * batch_size))
    for epoch in range(len(seen) // images):
        assert Counter(seen[epoch * images + place] for place in range(images)) == Counter(range(images))
