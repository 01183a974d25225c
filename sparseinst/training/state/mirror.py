"""Copies of saved states in a bucket or another folder, made in the background."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sparseinst.closing import Closing
from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.storage import Storage
from sparseinst.training.state.names import STATE_NAME

log = get_logger("train")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


class Mirror(Closing):
    """Uploads the newest state; one that waits when a newer one comes is not uploaded at all.

    Training does not wait: while the storage is away, uploads are tried again until `finish`.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._changed = threading.Condition()
        self._wanted: dict[str, tuple[Path, int]] = {}  # key to file, and how many states to keep
        self._error: StorageError | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="mirror", daemon=True)
        self._thread.start()

    def put(self, path: Path, keep: int = 0) -> None:
        """Begins to upload a file under its name. With `keep`, it is a state: older ones make place for it."""
        with self._changed:
            if keep:
                self._wanted = {key: item for key, item in self._wanted.items() if not item[1]}
            self._wanted[path.name] = (path, keep)
            self._changed.notify_all()

    def finish(self, patience_s: float) -> None:
        """Waits until all is uploaded.

        Raises:
            StorageError: It is not, after so many seconds.
        """
        with self._changed:
            if self._changed.wait_for(lambda: not self._wanted, patience_s):
                return
            left, error = sorted(self._wanted), self._error
        raise StorageError(
            f"Not uploaded: {', '.join(left)}" + (f". {error.problem}" if error else ", the storage is slow."),
            where=self.storage.uri,
            details=error.details if error else (),
            fix="The files are whole on this machine's disk: the same command, here, goes on and uploads them.",
        )

    def fetch_newest(self, folder: Path) -> None:
        """Downloads the states that are newer than those in `folder`."""
        here = max((path.name for path in folder.glob("*.pt") if STATE_NAME.fullmatch(path.name)), default="")
        for name in sorted((key for key in self.storage.list() if STATE_NAME.fullmatch(key)), reverse=True):
            if name.partition("-")[0] > here.partition("-")[0]:
                log.info("fetching the state %s from %s", name, self.storage.uri)
                self.storage.download(name, folder / name)

    def fetch(self, name: str, path: Path) -> None:
        """Downloads a file that is missing here and was uploaded."""
        if not path.exists() and self.storage.exists(name):
            self.storage.download(name, path)

    def close(self) -> None:
        """Lets go of what is not uploaded yet."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closed)
                if self._closed:
                    return
                name, (path, keep) = next(iter(self._wanted.items()))
            try:
                self._upload(name, path, keep)
                self._error, pause = None, _FIRST_PAUSE_S
            except (StorageError, OSError) as error:
                self._failed(error, pause)
                self._wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _upload(self, name: str, path: Path, keep: int) -> None:
        if path.exists():  # else a newer state took its place before it was its turn
            self.storage.upload(path, name)
            if keep:
                states = sorted(key for key in self.storage.list() if STATE_NAME.fullmatch(key))
                for old in states[:-keep]:
                    self.storage.delete(old)
        with self._changed:
            if self._wanted.get(name) == (path, keep):
                del self._wanted[name]
            self._changed.notify_all()

    def _failed(self, error: StorageError | OSError, pause: float) -> None:
        self._error = error if isinstance(error, StorageError) else StorageError(str(error))
        log.warning("a state could not be uploaded (%s); trying again in %.0f s", self._error.problem, pause)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: self._closed, end - time.monotonic())
