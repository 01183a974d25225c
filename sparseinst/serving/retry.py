"""When a call is made again: only where the server has certainly done nothing for it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sparseinst.errors import ConfigError
from sparseinst.serving.refusals import NoServer, QueueFull

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A call whose connection could not be made is made again, and one for which the queue was full where asked.

    Everything else is told at once: a refusal stays one, a deadline has passed for good, and a request that broke a
    server would break the next one. The waits double, each shortened by chance so that clients do not come back
    together. All tries share the call's one deadline.

    Attributes:
        times: How often at most after the first try.
        first_wait_s: Before the first retry.
        longest_wait_s: Before any retry.
        queue_full: Whether a full queue is waited for. It is full because clients ask for more than the server can
            do, so this is for work that nobody waits for.
    """

    times: int = 3
    first_wait_s: float = 0.2
    longest_wait_s: float = 2.0
    queue_full: bool = False

    def __post_init__(self) -> None:
        if self.times < 0 or self.first_wait_s < 0 or self.longest_wait_s < 0:
            raise ConfigError("Retries are counted and waited for from 0 up.", where=repr(self))

    def call(self, attempt: Callable[[float], _Answer], timeout_s: float) -> _Answer:
        """What `attempt` gives; it gets the seconds that are left."""
        end = time.monotonic() + timeout_s
        for number in range(self.times + 1):
            try:
                return attempt(max(end - time.monotonic(), 0.001))
            except (NoServer, QueueFull) as refusal:
                wait = min(self.first_wait_s * 2**number, self.longest_wait_s) * random.uniform(0.5, 1)
                is_safe = isinstance(refusal, NoServer) or self.queue_full
                if not is_safe or number == self.times or time.monotonic() + wait >= end:
                    raise
            time.sleep(wait)
        raise AssertionError("the last try returns or raises")


NEVER = Retry(times=0)
