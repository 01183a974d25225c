"""Many small copies at a time, with progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from sparseinst.progress import progress


def run_parallel(action: Callable[[str], None], items: Sequence[str], doing: str, workers: int) -> None:
    """Calls `action` on every item in `workers` threads. The first error ends the rest and is raised."""
    with ThreadPoolExecutor(workers) as pool, progress("storage", doing, len(items)) as advance:
        futures = [pool.submit(action, item) for item in items]
        try:
            for future in as_completed(futures):
                future.result()
                advance()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
