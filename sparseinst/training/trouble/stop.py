"""Being told to stop, by a signal or by the clock, as a question that the training asks and not as an end."""

from __future__ import annotations

import re
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

from sparseinst.errors import ConfigError

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # what clouds and Kubernetes send; what Slurm is told to send
_UNITS_S = {"h": 3600, "m": 60, "s": 1}


class StopRequest:
    """Remembers SIGTERM and SIGUSR1, and knows the deadline. In a `with` block; afterwards the handlers are as before.

    Args:
        deadline_s: Seconds from now after which it counts as asked for; 0: never. For schedulers that only kill.
    """

    def __init__(self, deadline_s: float = 0.0) -> None:
        self.reason = ""
        self._ends_at = time.monotonic() + deadline_s if deadline_s else float("inf")
        self._before: dict[signal.Signals, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether training shall stop; `reason` says why."""
        if not self.reason and time.monotonic() >= self._ends_at:
            self.reason = "the deadline"
        return bool(self.reason)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.reason = signal.Signals(number).name


def seconds_of(duration: str) -> float:
    """The seconds in a duration such as "90m", "11h30m" or "3600"; 0 for an empty one.

    Raises:
        ConfigError: It is none.
    """
    if re.fullmatch(r"\d+(\.\d+)?", duration):
        return float(duration)
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise ConfigError(f"'{duration}' is no duration.", where="--deadline", fix="Write e.g. 90m, 11h30m or 3600.")
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
