"""Many pictures at once, in processes of which each may die: of a picture that needs more memory than there is."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from signal import SIG_IGN, SIGINT, signal
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 16  # items that go to a process together
_CHUNKS_AHEAD = 3  # for each process: enough to keep it busy, and few to repeat when one dies
_MOST_WORKERS = 16


def usable_cpus() -> int:
    """The CPUs that this process may use, 16 at most: more would wait for the disk."""
    return min(len(os.sched_getaffinity(0)), _MOST_WORKERS)


def in_processes(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result | None]:
    """Results in the order of the items; None for an item during which its process died.

    The processes are forks: others would run a script that has no main guard a second time. Where processes cannot be
    had at all, this process does the work.

    Args:
        function: Picklable, and without an exception of its own.
    """
    if workers < 2 or not _can_start():
        yield from map(function, items)
        return
    chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
    done = 0
    while done < len(chunks):
        for results in _until_one_dies(function, chunks[done:], workers):
            yield from results
            done += 1
        # Which item killed its process is not known, only that it is among those that were under way.
        for chunk in chunks[done : done + workers * _CHUNKS_AHEAD]:
            yield from _one_by_one(function, chunk)
            done += 1


def _pool(workers: int) -> ProcessPoolExecutor:
    # A Ctrl-C ends the process that waits for the results; the others need not each tell of it.
    context = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=signal, initargs=(SIGINT, SIG_IGN))


def _can_start() -> bool:
    """Whether there can be processes: not in a sandbox without semaphores."""
    try:
        with _pool(1) as pool:
            return pool.submit(os.getpid).result() != os.getpid()
    except (OSError, BrokenProcessPool):
        return False


def _until_one_dies(
    function: Callable[[Item], Result], chunks: Sequence[Sequence[Item]], workers: int
) -> Iterator[list[Result]]:
    """The results of each chunk, in order; fewer when a process died."""
    with _pool(workers) as pool:
        try:
            left = iter(chunks)
            under_way: deque[Future[list[Result]]] = deque(
                pool.submit(_all_of, function, chunk) for chunk in islice(left, workers * _CHUNKS_AHEAD)
            )
            while under_way:
                yield under_way.popleft().result()
                under_way.extend(pool.submit(_all_of, function, chunk) for chunk in islice(left, 1))
        except BrokenProcessPool:
            return


def _one_by_one(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result | None]:
    """Each item alone in a process, which may die."""
    left = deque(items)
    while left:
        with _pool(1) as pool:
            try:
                while left:
                    yield pool.submit(function, left[0]).result()
                    left.popleft()
            except BrokenProcessPool:
                left.popleft()
                yield None


def _all_of(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]
