"""The images of a run, from wherever it stands to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sparseinst.data.loading.example import Example
from sparseinst.data.loading.loader import training_loader
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.training.session import Session
from sparseinst.training.trouble.feed import Feed

_PATIENCE_S = 300.0  # where no watchdog says how long a run may stand still


def open_feed(session: Session, on_trouble: Callable[[str, str], None]) -> Feed:
    """This rank's batches from the run's iteration on; `on_trouble` is told of each restart of the loader."""
    settings, ranks, dataset = session.config.train, session.ranks, session.dataset

    def batches_from(start: int) -> Iterator[list[Example]]:
        batches = EndlessBatches(
            dataset.tall,
            batch_size=settings.batch_size,
            seed=settings.seed,
            start=start,
            stop=settings.iterations,
            rank=ranks.rank,
            world_size=ranks.world_size,
        )
        return training_loader(dataset, batches, session.config.input.workers)

    patience = 30 * settings.watchdog_minutes or _PATIENCE_S  # half of what the watchdog allows
    return Feed(
        batches_from, session.standing.iteration, settings.iterations, patience_s=patience, on_trouble=on_trouble
    )
