"""How far a transfer of many files is, counted in files and in bytes: one display for all of its threads, on stderr."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

from sparseinst.log import get_logger
from sparseinst.progress import Advance

# From what is done, the size in bytes if it is known, and how many bytes were there before, to a display.
Show: TypeAlias = Callable[[str, int | None, int], AbstractContextManager[Advance]]

_SECONDS_BETWEEN_LINES = 5.0


class Stopped(Exception):
    """Another thread has failed: what this one does is not wanted any more."""


class Transfer:
    """What is done and what is to do. Every method may be called from any thread."""

    def __init__(self, doing: str, files: int, total: int, done_files: int, done: int) -> None:
        self.doing = doing
        self.files, self.total = files, total
        self.done_files, self.done = done_files, done
        self._first, self._begin = done, time.monotonic()
        self._lock = threading.Lock()

    def advance(self, amount: int = 1) -> None:
        """So many more bytes are here; less than none where some were thrown away."""
        with self._lock:
            self.done += amount
            self._show()

    def end_file(self) -> None:
        """One more file is whole."""
        with self._lock:
            self.done_files += 1
            self._show()

    def display(self, stop: threading.Event) -> Show:
        """What one download shows itself with, as a part of this transfer.

        Its size is added when it tells it; an attempt that follows a broken one takes that one's place.

        Args:
            stop: Ends the download by `Stopped`, as soon as it is set.
        """
        counted, size = 0, 0

        @contextmanager
        def show(doing: str, total: int | None, done: int) -> Iterator[Advance]:
            nonlocal counted, size
            with self._lock:
                self.total += (total or 0) - size
                self.done += done - counted
                self._first += done - counted  # what was here before says nothing of the speed
            counted, size = done, total or 0

            def advance(amount: int = 1) -> None:
                nonlocal counted
                counted += amount
                self.advance(amount)
                if stop.is_set():
                    raise Stopped

            yield advance

        return show

    def so_far(self) -> str:
        """For example "1200 of 4000 files, 310.4 of 1052.0 MB, 20.1 MB/s, 37 s left"."""
        per_second = (self.done - self._first) / max(time.monotonic() - self._begin, 1e-9)
        left = f"{max(self.total - self.done, 0) / per_second:.0f} s left" if per_second > 0 else "stalled"
        size = f"{self.done / 1e6:.1f} of {self.total / 1e6:.1f} MB"
        return f"{self.done_files} of {self.files} files, {size}, {per_second / 1e6:.1f} MB/s, {left}"

    def _show(self) -> None:
        """Called with the lock held, after every change."""


@contextmanager
def transfer(
    stage: str, doing: str, *, files: int, total: int, done_files: int = 0, done: int = 0
) -> Iterator[Transfer]:
    """Shows a transfer while the block runs: a bar on a terminal, a line every few seconds in a log.

    Args:
        stage: The stage's name as in the log, e.g. "ingest".
        doing: What happens, e.g. "fetching from s3://bucket/set".
        files: How many files it has.
        total: How many bytes they have together.
        done_files: How many files an earlier attempt brought.
        done: How many bytes it brought.
    """
    if sys.stderr.isatty():
        bar = _Bar(doing, files, total, done_files, done)
        with bar.shown:
            yield bar
    else:
        yield _Lines(stage, doing, files, total, done_files, done)


class _Lines(Transfer):
    def __init__(self, stage: str, *counts: Any) -> None:
        super().__init__(*counts)
        self._log, self._last = get_logger(stage), self._begin

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES and self.done_files < self.files:
            self._last = now
            self._log.info("%s: %s", self.doing, self.so_far())


class _Bar(Transfer):
    def __init__(self, *counts: Any) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        super().__init__(*counts)
        count = TextColumn("{task.fields[done_files]} of {task.fields[files]} files")
        texts = (TextColumn("{task.description}"), BarColumn(), count, DownloadColumn())
        console = Console(stderr=True)
        self.shown = Progress(*texts, TransferSpeedColumn(), TimeRemainingColumn(), console=console, transient=True)
        self._task = self.shown.add_task(self.doing, total=None, files=self.files, done_files=self.done_files)
        self._show()

    def _show(self) -> None:
        self.shown.update(self._task, total=self.total, completed=self.done, done_files=self.done_files)
