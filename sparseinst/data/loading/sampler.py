"""Which image comes when: an endless shuffled sequence that depends on the seed alone.

Every rank cuts its share from the same global batch, so neither a stop nor another number of ranks changes the order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from sparseinst.data.loading.dataset import Key

_WINDOW_BATCHES = 16  # how far images may move to find others of their orientation


class EndlessBatches(Sampler[list[Key]]):
    """Yields this rank's part of each batch from `start` (an iteration) to `stop`.

    Wide and tall images come in batches of their own as far as possible, so that little is padded; each epoch
    still shows every image once.
    """

    def __init__(
        self,
        tall: npt.NDArray[np.bool_],
        *,
        batch_size: int,
        seed: int,
        start: int,
        stop: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """`tall` says of each image whether it is higher than wide, bool [images]."""
        self.tall, self.batch_size, self.seed = tall, batch_size, seed
        self.start, self.stop = start, stop
        self.rank, self.world_size = rank, world_size
        self._epoch, self._order = -1, np.zeros(0, np.int64)

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        share = self.batch_size // self.world_size
        for iteration in range(self.start, self.stop):
            first = iteration * self.batch_size + self.rank * share
            yield [Key(self._image(p), self.seed, p, iteration) for p in range(first, first + share)]

    def _image(self, position: int) -> int:
        epoch, place = divmod(position, len(self.tall))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
        return int(self._order[place])

    def _shuffled(self, epoch: int) -> npt.NDArray[np.int64]:
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.tall))
        window = _WINDOW_BATCHES * self.batch_size
        parts = (order[start : start + window] for start in range(0, len(order), window))
        return np.concatenate([part[np.argsort(self.tall[part], kind="stable")] for part in parts])
