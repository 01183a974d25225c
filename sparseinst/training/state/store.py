"""The saved states of a run: `state/00001000-0f3c….pt`, the iteration and the first digits of the file's SHA-256.

The checksum in the name makes each file prove itself: it appears whole, by one rename, with the proof on it.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sparseinst.closing import Closing
from sparseinst.errors import SparseInstError, StorageError
from sparseinst.files import sha256_of_file, write_bytes
from sparseinst.log import get_logger
from sparseinst.training.checkpoint import BEST_NAME, Checkpoint, load_checkpoint, serialise
from sparseinst.training.state.mirror import Mirror
from sparseinst.training.state.names import STATE_NAME, state_name

log = get_logger("train")

FOLDER = "state"


@dataclass(frozen=True, order=True, slots=True)
class Saved:
    """One saved state."""

    iteration: int
    path: Path

    @classmethod
    def of(cls, path: Path) -> Saved | None:
        match = STATE_NAME.fullmatch(path.name)
        return cls(int(match[1]), path) if match else None

    def is_sound(self) -> bool:
        match = STATE_NAME.fullmatch(self.path.name)
        return match is not None and sha256_of_file(self.path).startswith(match[2])


class StateStore(Closing):
    """Writes states in the background, keeps the last few, and finds the newest sound one.

    Where there is a mirror (a bucket), states are copied there as well, and found there when the disk was lost.
    """

    def __init__(self, output: Path, keep: int, mirror: Mirror | None = None) -> None:
        self.folder, self._keep, self._mirror = output / FOLDER, keep, mirror
        self._writer = ThreadPoolExecutor(1, "state")
        self._pending: Future[None] | None = None

    def save(self, checkpoint: Checkpoint) -> None:
        """Begins to write a state; what it holds must not change any more (see `snapshot`).

        One that is still being written is waited for. `is_settled` says what became of it.
        """
        if self._pending:
            self._pending.exception()
        self._pending = self._writer.submit(self._write, checkpoint)

    def is_settled(self, *, wait: bool = False) -> bool:
        """Whether nothing is being written any more; with `wait` it is waited for.

        Raises:
            StorageError: The last state could not be written. It is said once.
        """
        if self._pending is None:
            return True
        if not wait and not self._pending.done():
            return False
        done, self._pending = self._pending, None
        done.result()
        return True

    def newest(self) -> Checkpoint | None:
        """The newest state that is whole. Damaged ones are set aside, with a warning.

        Raises:
            StorageError: The bucket cannot be read.
            SparseInstError: All that there are are damaged.
        """
        self._remove_unfinished()
        if self._mirror:
            self._mirror.fetch_newest(self.folder)
            self._mirror.fetch(BEST_NAME, self.folder.parent / BEST_NAME)
        damaged = []
        for saved in sorted(self._all(), reverse=True):
            found = self._read(saved)
            if found:
                return found
            damaged.append(str(saved.path))
        if damaged:
            raise SparseInstError(
                "Every saved state of this run is damaged.",
                where=str(self.folder),
                details=damaged,
                fix="Delete the folder to begin anew, or bring a copy back.",
            )
        return None

    def close(self) -> None:
        """Waits for what is being written."""
        self._writer.shutdown()

    def _read(self, saved: Saved) -> Checkpoint | None:
        if saved.is_sound():
            try:
                return load_checkpoint(saved.path)
            except SparseInstError as error:
                log.warning("%s", error.problem)
        aside = saved.path.with_name(f"damaged-{saved.path.name}")
        os.replace(saved.path, aside)
        log.warning("the state of iteration %d is damaged: falling back to the one before", saved.iteration)
        return None

    def _all(self) -> Iterator[Saved]:
        for path in self.folder.glob("*.pt") if self.folder.is_dir() else ():
            saved = Saved.of(path)
            if saved:
                yield saved

    def _write(self, checkpoint: Checkpoint) -> None:
        content = serialise(checkpoint)
        path = self.folder / state_name(checkpoint.iteration, hashlib.sha256(content).hexdigest())
        try:
            try:
                write_bytes(path, content)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._prune(1):
                    raise
                log.warning("the disk is full: older states were deleted to make room for the newest")
                write_bytes(path, content)
        except OSError as error:
            raise StorageError(
                f"The state of iteration {checkpoint.iteration} cannot be written: {error.strerror}.",
                where=f"{self.folder} ({len(content) / 1e6:.0f} MB)",
                fix="Make room on its disk, or mend the folder's permissions. The states before are still there.",
            ) from error
        self._prune(self._keep)
        if self._mirror:
            self._mirror.put(path, keep=self._keep)

    def _prune(self, keep: int) -> int:
        """Deletes all but the newest few; how many went."""
        old = sorted(self._all(), reverse=True)[keep:]
        for saved in old:
            saved.path.unlink(missing_ok=True)
        return len(old)

    def _remove_unfinished(self) -> None:
        """What a process that was killed in the middle of writing left behind."""
        for path in self.folder.glob(".*.tmp") if self.folder.is_dir() else ():
            path.unlink(missing_ok=True)
