"""Which image comes when: an endless shuffled sequence that depends on the seed alone.

Every rank cuts its share from the same global batch, so neither a stop nor another number of ranks changes the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Sampler

from sparseinst.data.dataset import Key, TrainingImages
from sparseinst.data.example import Example


class EndlessBatches(Sampler[list[Key]]):
    """Yields this rank's part of each batch from `start` (an iteration) to `stop`."""

    def __init__(
        self, images: int, *, batch_size: int, seed: int, start: int, stop: int, rank: int = 0, world_size: int = 1
    ) -> None:
        self.images, self.batch_size, self.seed = images, batch_size, seed
        self.start, self.stop = start, stop
        self.rank, self.world_size = rank, world_size

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        share = self.batch_size // self.world_size
        for iteration in range(self.start, self.stop):
            first = iteration * self.batch_size + self.rank * share
            yield [Key(self._image(p), self.seed, p) for p in range(first, first + share)]

    def _image(self, position: int) -> int:
        epoch, place = divmod(position, self.images)
        return int(_order(self.images, self.seed, epoch)[place])


@lru_cache(maxsize=2)
def _order(images: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(images)


def training_loader(dataset: TrainingImages, batches: EndlessBatches, workers: int) -> Iterable[list[Example]]:
    """Examples in batches, as lists: images keep their own sizes. Made ahead by `workers` processes."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=list,
        worker_init_fn=_one_thread,
        persistent_workers=False,
        prefetch_factor=4 if workers else None,
    )


def _one_thread(worker: int) -> None:
    import cv2

    torch.set_num_threads(1)  # as many processes as cores: more threads would only wait for each other
    cv2.setNumThreads(1)
