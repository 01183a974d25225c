"""The batches of a rank, whatever happens to the workers that make them and to the storage that they read from."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from sparseinst.closing import Closing
from sparseinst.data.loading.example import Example
from sparseinst.data.loading.loader import LoaderDied
from sparseinst.errors import SparseInstError, StorageError, TrainingError
from sparseinst.log import get_logger

log = get_logger("train")

_AHEAD = 1  # batches that are opened and wait; the workers have more
_LOOK_S = 0.1
_GOODBYE_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_MOST_RESTARTS = 3  # in a row, without a batch in between


class Feed(Closing):
    """Yields the batches from an iteration on. A thread fetches them, so that whoever waits can be told to stop.

    Since a batch is decided by its number alone, the source can be opened anew at any place: after a worker process
    died, and after the storage was away.
    """

    def __init__(
        self,
        source: Callable[[int], Iterator[list[Example]]],
        start: int,
        stop: int,
        *,
        patience_s: float = 300.0,
        on_trouble: Callable[[str, str], None] = lambda kind, text: None,
    ) -> None:
        """`source` gives the batches from an iteration on.

        Args:
            start, stop: The first iteration, and the one after the last.
            patience_s: How long the storage may be away.
            on_trouble: Told of each restart: what kind, and what happened.
        """
        self._source, self._next, self._stop = source, start, stop
        self._patience_s, self._on_trouble = patience_s, on_trouble
        self._ready: queue.Queue[list[Example] | BaseException] = queue.Queue(_AHEAD)
        self._closed = threading.Event()
        self._failures, self._failing_since = 0, 0.0
        self._batches = self._opened(start)  # here, in the main thread, while nothing else runs
        self._thread = threading.Thread(target=self._fetch, name="feed", daemon=True)
        self._thread.start()

    def get(self, stop: Callable[[], bool]) -> list[Example] | None:
        """The next batch; None as soon as `stop` says so.

        Raises:
            SparseInstError: It cannot be made, and waiting or beginning anew does not help.
        """
        while not stop():
            try:
                found = self._ready.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if isinstance(found, BaseException):
                raise found
            return found
        return None

    def close(self) -> None:
        """Ends the thread and the workers. One that waits in the kernel, for a disk that is gone, is left there."""
        self._closed.set()
        end = time.monotonic() + _GOODBYE_S
        while self._thread.is_alive() and time.monotonic() < end:
            try:
                self._ready.get(timeout=_LOOK_S)
            except queue.Empty:
                self._thread.join(_LOOK_S)
        if not self._thread.is_alive():
            self._batches = iter(())  # its workers end with it

    def _fetch(self) -> None:
        while self._next < self._stop and not self._closed.is_set():
            try:
                batch = next(self._batches)
            except (LoaderDied, StorageError) as error:
                if not self._begin_anew(error):
                    return
            except BaseException as error:  # noqa: BLE001, handed over to the thread that asks
                self._put(error)
                return
            else:
                self._failures = 0
                self._next += 1
                self._put(batch)

    def _begin_anew(self, error: SparseInstError) -> bool:
        """Opens the source at the iteration that failed, after a pause; or hands the error over and gives up."""
        now = time.monotonic()
        self._failing_since = now if not self._failures else self._failing_since
        self._failures += 1
        if isinstance(error, LoaderDied):
            kind, over = "worker_restarted", self._failures > _MOST_RESTARTS
        else:
            kind, over = "storage_away", now - self._failing_since > self._patience_s
        if over:
            self._put(self._final(error))
            return False
        log.warning("%s Trying again from iteration %d.", error.problem, self._next + 1)
        self._on_trouble(kind, error.problem)
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (self._failures - 1))
        if self._closed.wait(min(pause, self._patience_s)):
            return False
        self._batches = self._opened(self._next)
        return True

    def _final(self, error: SparseInstError) -> SparseInstError:
        if isinstance(error, LoaderDied):
            return TrainingError(
                f"The loader's workers died {self._failures} times in a row: {error.problem}",
                where=f"iteration {self._next + 1}",
                fix="Mostly memory ran out, or /dev/shm is small (a pod's default is 64 MB: mount a larger one). "
                "Fewer of them need less: input.workers. The state is saved; the same command goes on.",
            )
        return StorageError(
            f"The storage was away for {self._patience_s / 60:.0f} minutes: {error.problem}",
            where=error.where,
            details=error.details,
            fix=f"{error.fix} The state is saved; the same command goes on.",
        )

    def _opened(self, start: int) -> Iterator[list[Example]]:
        try:
            return self._source(start)
        except SparseInstError as error:
            return _raising(error)

    def _put(self, item: Any) -> None:
        while not self._closed.is_set():
            try:
                self._ready.put(item, timeout=_LOOK_S)
                return
            except queue.Full:
                continue


def _raising(error: SparseInstError) -> Iterator[list[Example]]:
    """An iterator that fails at its first item."""
    for failure in (error,):
        raise failure
    yield []
