"""Ends a run that hangs: nobody sees a hang, and a GPU that waits costs as much as one that works."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from pathlib import Path

from sparseinst.closing import Closing
from sparseinst.errors import TrainingError

_LOOKS_PER_LIMIT = 20  # how often it looks


class Watchdog(Closing):
    """Where `beat` was not called for too long, writes the stacks of all threads and ends the process (exit code 4).

    The process is ended hard: a thread that waits in a driver or in a collective cannot be interrupted otherwise. The
    last saved state is whole, so the same command goes on from there. Should Python itself be stuck, faulthandler's own
    thread, which needs no interpreter, does the same a little later.
    """

    def __init__(self, minutes: float, stacks: Path, rank: int) -> None:
        """Watches from now on; with 0 minutes never. `stacks` is the file for the stacks."""
        self._limit_s, self._stacks, self._rank = 60 * minutes, stacks, rank
        self._doing, self._last = "starting", time.monotonic()
        self._closed = threading.Event()
        if minutes:
            self._arm()
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()

    def beat(self, doing: str) -> None:
        """Says that the run lives, and what it does from now on."""
        self._doing, self._last = doing, time.monotonic()

    def close(self) -> None:
        self._closed.set()
        if self._limit_s:
            faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        while not self._closed.wait(self._limit_s / _LOOKS_PER_LIMIT):
            if time.monotonic() - self._last < self._limit_s:
                self._arm()
                continue
            self._end()

    def _arm(self) -> None:
        if sys.__stderr__ is not None:
            faulthandler.dump_traceback_later(2 * self._limit_s, exit=True, file=sys.__stderr__)

    def _end(self) -> None:
        error = TrainingError(
            f"Nothing moved for {self._limit_s / 60:g} minutes while {self._doing}: the run is ended.",
            where=f"rank {self._rank}; every thread's stack is in {self._stacks}",
            fix="The same command goes on from the last saved state. If it was only slow: train.watchdog_minutes.",
        )
        try:
            self._stacks.parent.mkdir(parents=True, exist_ok=True)
            with self._stacks.open("w", encoding="utf-8") as file:
                faulthandler.dump_traceback(file, all_threads=True)
        except OSError:  # the disk may be what hangs or is full; the stacks go to stderr as well
            pass
        print(f"error: {error}", file=sys.__stderr__, flush=True)
        if sys.__stderr__ is not None:
            faulthandler.dump_traceback(sys.__stderr__, all_threads=True)
        os._exit(error.exit_code)
