"""When states are written, and what happens when they cannot be: tried again, and then an end with an error."""

from __future__ import annotations

import time
from collections.abc import Callable

from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.training.checkpoint import Checkpoint
from sparseinst.training.state.mirror import Mirror
from sparseinst.training.state.store import StateStore

log = get_logger("train")

_MOST_FAILURES = 3  # in a row
_RETRY_S = 60.0
_UPLOAD_AT_STOP_S = 20.0  # a pod that is told to stop has 30 seconds
_UPLOAD_AT_END_S = 600.0


class Saver:
    """Rank 0's; writes in the background while training goes on."""

    def __init__(
        self,
        store: StateStore,
        mirror: Mirror | None,
        checkpoint: Callable[[], Checkpoint],
        on_trouble: Callable[[str, str], None],
        *,
        retry_s: float = _RETRY_S,
    ) -> None:
        """`checkpoint` gives the state as it is now, copied; `on_trouble` is told the kind of trouble, and its text."""
        self._store, self._mirror, self._checkpoint, self._on_trouble = store, mirror, checkpoint, on_trouble
        self._retry_s = retry_s
        self._failures, self._retry_at = 0, 0.0
        self._saved = -1  # the iteration of the state that is written, or being written

    def tend(self, *, is_due: bool) -> None:
        """Called after each iteration: looks how the last state fared, and writes one where it is time to.

        Raises:
            StorageError: Writing failed several times in a row.
        """
        self._look(wait=False)
        if is_due or (self._failures and time.monotonic() >= self._retry_at):
            self._begin()

    def save_now(self, iteration: int, *, at_end: bool) -> None:
        """Writes the state of this iteration, unless it is written; waits until it is on the disk and in the bucket.

        Raises:
            StorageError: It could not be written or uploaded.
        """
        self._look(wait=True)
        if self._saved != iteration:
            self._begin()
            self._store.is_settled(wait=True)
        if self._mirror:
            self._mirror.finish(_UPLOAD_AT_END_S if at_end else _UPLOAD_AT_STOP_S)

    def _begin(self) -> None:
        checkpoint = self._checkpoint()
        self._retry_at = time.monotonic() + self._retry_s
        self._saved = checkpoint.iteration
        self._store.save(checkpoint)

    def _look(self, *, wait: bool) -> None:
        try:
            if self._store.is_settled(wait=wait):
                self._failures = 0
        except StorageError as error:
            self._failures, self._saved = self._failures + 1, -1
            if self._failures >= _MOST_FAILURES:
                raise
            log.warning("%s Training goes on, and tries again.", error.problem)
            self._on_trouble("save_failed", error.problem)
