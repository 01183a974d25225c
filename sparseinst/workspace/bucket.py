"""A run's folder in a bucket, for clusters without a volume that several nodes can mount.

Each part lies below its name; `<part>.files.json` beside it says what belongs to it, with hashes, and whether it is
whole. `<part>.states` has the states that a training saves while it runs.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.storage.s3 import S3Storage
from sparseinst.workspace.base import Workspace
from sparseinst.workspace.file_list import FileList
from sparseinst.workspace.pull import forget, note, pull
from sparseinst.workspace.push import not_made, push, read_list

log = get_logger("scratch")


class BucketWorkspace(Workspace):
    """Copies in `scratch`, which processes of one machine share: what one has fetched the others find."""

    def __init__(self, storage: S3Storage, scratch: Path) -> None:
        self.address = storage.uri
        self._storage, self._scratch = storage, scratch

    def local(self, name: str) -> Path:
        return self._scratch / name

    def fetch(self, name: str, only: Sequence[str] = ()) -> Path:
        listed = read_list(self._storage, name)
        if listed is None or not (listed.is_whole and listed.files.keys() >= set(only)):
            raise not_made(self._storage, name, listed)
        self._bring(name, listed.of_these(only) if only else listed)
        return self.local(name)

    @contextmanager
    def make(self, name: str, *, apart: Sequence[str] = (), anew: bool = False) -> Iterator[Path]:
        listed = None if anew else read_list(self._storage, name)
        if listed is not None and listed.files:
            log.info("bringing what an earlier attempt left of '%s'", name)
            self._bring(name, listed)
        path = self.local(name)
        forget(path)
        try:
            yield path
        except BaseException:
            with _unstopped():
                self._keep(name, apart)
            raise
        self._push(name, apart, is_whole=True)

    def mirror(self, name: str) -> str:
        return self.at(f"{name}.states")

    def _bring(self, name: str, listed: FileList) -> None:
        with FileLock(self._scratch / f".{name}.lock"):
            pull(self._storage, name, listed, self.local(name))

    def _push(self, name: str, apart: Sequence[str], *, is_whole: bool) -> None:
        now = FileList.of(self.local(name), apart, is_whole=is_whole)
        push(self._storage, name, self.local(name), now)
        note(self.local(name), now)

    def _keep(self, name: str, apart: Sequence[str]) -> None:
        """After an error, which is what has to be told: here only a warning may be added."""
        try:
            self._push(name, apart, is_whole=False)
        except (StorageError, OSError) as error:
            log.warning("what there is of '%s' was not copied to %s: %s", name, self.address, error)


@contextmanager
def _unstopped() -> Iterator[None]:
    """Lets SIGTERM wait for a few files: torchrun ends all ranks of a node as soon as one has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
