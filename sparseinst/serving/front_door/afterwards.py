"""Work that waits until the answer is on its way: it costs the client no time."""

from __future__ import annotations

from collections.abc import Callable
from queue import Full, Queue
from threading import Thread

from sparseinst.closing import Closing

Job = Callable[[], None]


class Afterwards(Closing):
    """One thread that does the jobs in their order."""

    def __init__(self, on_error: Callable[[Exception], None], most: int) -> None:
        """Args:
        on_error: Told what a job raised.
        most: So many jobs may wait.
        """
        self._on_error = on_error
        self._jobs: Queue[Job | None] = Queue(most)
        self._thread = Thread(target=self._work, name="afterwards", daemon=True)
        self._thread.start()

    def add(self, job: Job) -> None:
        """Waits for a place: what is counted must not be lost."""
        self._jobs.put(job)

    def offer(self, job: Job) -> bool:
        """Whether there was a place for a job that may be left out."""
        try:
            self._jobs.put_nowait(job)
        except Full:
            return False
        return True

    def close(self) -> None:
        """Does what waits, and ends."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as error:  # noqa: BLE001, the thread must live on
                self._on_error(error)
