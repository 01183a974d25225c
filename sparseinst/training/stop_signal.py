"""SIGTERM as a question that the training loop asks, not as an end."""

from __future__ import annotations

import signal
import threading


class StopSignal:
    """Remembers that SIGTERM came; the loop asks at the end of each iteration."""

    def __init__(self) -> None:
        self.came = False
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: object) -> None:
        self.came = True
