"""Worker processes that make batches ahead of the training."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from sparseinst.data.loading.dataset import Key, TrainingImages
from sparseinst.data.loading.example import Example
from sparseinst.data.loading.parcel import Parcel, pack, unpack
from sparseinst.errors import SparseInstError

_BATCHES_AHEAD = 4  # of each worker


class LoaderDied(SparseInstError):
    """Worker processes ended. The batches can be had from new ones."""


def training_loader(dataset: TrainingImages, batches: Iterable[list[Key]], workers: int) -> Iterator[list[Example]]:
    """Examples in batches, as lists: images keep their own sizes. Made ahead by `workers` processes.

    Args:
        dataset: The images.
        batches: Which of them come together.
        workers: How many processes; 0: this one makes them when they are asked for.

    Raises:
        LoaderDied: A worker was killed.
        SparseInstError: An example cannot be made; from a worker as from this process.
    """
    if not workers:
        return ([dataset[key] for key in batch] for batch in batches)
    parcels = DataLoader(
        _Parcels(dataset),
        batch_size=None,
        sampler=batches,
        num_workers=workers,
        collate_fn=_as_it_is,
        prefetch_factor=_BATCHES_AHEAD,
        generator=torch.Generator(),  # the loader draws a seed from it; training's own stream stays as it is
    )
    return _opened(_started(parcels))


class _Parcels(Dataset[Parcel | SparseInstError]):
    """Whole batches. An error is handed over as it is: what torch makes of one has a traceback for its message."""

    def __init__(self, dataset: TrainingImages) -> None:
        self.dataset = dataset

    def __getitem__(self, keys: list[Key]) -> Parcel | SparseInstError:
        try:
            return pack([self.dataset[key] for key in keys])
        except SparseInstError as error:
            return error.with_traceback(None)


def _as_it_is(parcel: Any) -> Any:
    return parcel


def _opened(parcels: Iterator[Any]) -> Iterator[list[Example]]:
    while True:
        try:
            parcel: Parcel | SparseInstError | None = next(parcels, None)
        except RuntimeError as error:  # torch's word for dead workers
            reason = str(error).splitlines()[0].removeprefix("DataLoader worker ").rstrip(".")
            raise LoaderDied(f"Loading images failed: worker {reason}.", fix="Begin anew.") from error
        if parcel is None:
            return
        if isinstance(parcel, SparseInstError):
            raise parcel
        yield unpack(parcel)


def _started(loader: DataLoader[Any]) -> Iterator[Any]:
    """Starts the workers, which use one thread each: torch sees to its own, and OpenCV must have none when they fork.

    A forked process has OpenCV's pool of threads without the threads, and would wait for them for ever.

    torch lets a dead worker raise an error from a signal handler, anywhere in the training. Here it is raised where the
    next batch is asked for, a few seconds later, so that no step is left half done.
    """
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGCHLD) if is_main else None
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        return iter(loader)
    finally:
        cv2.setNumThreads(threads)
        if handler is not None:
            signal.signal(signal.SIGCHLD, handler)
