"""Many small copies at a time, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

from sparseinst.progress import progress

T = TypeVar("T")


def in_parallel(
    action: Callable[[T], None], items: Sequence[T], workers: int, stop: Event | None = None
) -> Iterator[None]:
    """Calls `action` on every item in `workers` threads; yields once for each that is done.

    The first error ends the rest and is raised. `stop` is set then, for actions that can end early.
    """
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(action, item) for item in items]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            if stop:
                stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def run_parallel(action: Callable[[str], None], items: Sequence[str], doing: str, workers: int) -> None:
    """Calls `action` on every item in `workers` threads. The first error ends the rest and is raised."""
    with progress("storage", doing, len(items)) as advance:
        for _ in in_parallel(action, items, workers):
            advance()
