"""SIGTERM and Ctrl-C as a question that the waiting step asks, not as an end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

_SLICE_S = 0.1


class StopRequested(Exception):
    """The step was told to stop."""


class StopSignal:
    """Remembers, inside a `with`, that a signal came. The handlers before come back at its end."""

    def __init__(self) -> None:
        self.came = False
        self._before: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def sleep(self, seconds: float) -> None:
        """Sleeps, in slices: Python's sleep goes on after a signal's handler.

        Raises:
            StopRequested: A signal came, before or meanwhile.
        """
        end = time.monotonic() + seconds
        while not self.came and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))
        if self.came:
            raise StopRequested

    def _note(self, *_: object) -> None:
        self.came = True
