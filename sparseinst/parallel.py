"""Work in threads beside, whose results come in the order of what it was done on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@contextmanager
def in_order(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    threads: int,
    stop: Callable[[], None] = lambda: None,
) -> Iterator[Iterator[_Result]]:
    """Gives an iterator over `work(item)` in the items' order; after the block no thread of it runs.

    At most twice as many items as threads are under way or wait to be taken, however slowly they are taken. The first
    error in the items' order is raised in its place.

    Args:
        stop: Called when the block ends before all is done, to end sooner what still runs.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="beside")
    waiting: deque[Future[_Result]] = deque()

    def first() -> _Result:
        result = waiting[0].result()
        waiting.popleft()  # only now: what is waited for still runs
        return result

    def results() -> Iterator[_Result]:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 2 * threads:
                yield first()
        while waiting:
            yield first()

    try:
        yield results()
    finally:
        if any(not future.done() for future in waiting):
            stop()
        pool.shutdown(wait=True, cancel_futures=True)
