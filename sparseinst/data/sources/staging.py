"""The hidden folder beside an output where files of a remote source wait until all of them are here.

It outlives an attempt that fails or is killed, so that the next one goes on from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sparseinst.data.sources.base import link, link_or_copy, make_room
from sparseinst.errors import StorageError
from sparseinst.files import write_json
from sparseinst.log import get_logger
from sparseinst.storage.disk import disk_errors

log = get_logger("ingest")

_BELONGS_TO = "source.json"


class Staging:
    """Files by name, under other names: what a stranger called a file is never a path on this disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._moved: dict[str, Path] = {}
        self._deleted = False

    def path(self, name: str) -> Path:
        """Where the file of this name is or will be."""
        if name in self._moved:
            return self._moved[name]
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:40]
        return self.folder / "files" / digest[:2] / (digest + PurePosixPath(name).suffix[:16])

    def new_path(self, name: str) -> Path:
        """The same, in a folder that exists."""
        path = self.path(name)
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def place(self, name: str, path: Path) -> None:
        """Gives the file its place in the data set, so that there is one copy of it on the disk."""
        original = self.path(name)
        if name in self._moved:
            link_or_copy(original, path)
        elif not link(original, path):
            make_room(path)
            with disk_errors(path):
                shutil.move(original, path)
            self._moved[name] = path

    def is_empty(self) -> bool:
        """Whether an attempt has left nothing here that a later one could use."""
        return not any(path.is_file() and path.stat().st_size for path in self.folder.glob("*/**/*"))

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return sum(path.stat().st_size for path in self.folder.glob("*/**/*") if path.is_file())

    def delete(self) -> None:
        self._deleted = True
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Leaves no empty folder behind."""
        if not self._deleted and self.is_empty():
            self.delete()


@contextmanager
def open_staging(output: Path, source: str, uri: str) -> Iterator[Staging]:
    """The staging folder for an output, for this process alone. What is of another source is thrown away first.

    Args:
        output: What is being made.
        source: What the user wrote; only its hash is kept, as it may hold secrets.
        uri: What messages call the source.

    Raises:
        StorageError: Another process makes the same output, or the folder cannot be made.
    """
    from filelock import FileLock, Timeout

    folder = output.absolute().with_name(f".{output.absolute().name}.source")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            fix = "Wait until it has ended, or give another output."
            raise StorageError("Another ingest is making this output.", where=str(output), fix=fix) from None
    staging = Staging(folder)
    try:
        with disk_errors(folder):
            _claim(folder, source, uri)
        yield staging
    finally:
        staging.close()
        lock.release()


def _claim(folder: Path, source: str, uri: str) -> None:
    """Notes whose files these are; those of another source are deleted."""
    note = folder / _BELONGS_TO
    key = hashlib.sha256(source.encode()).hexdigest()
    try:
        mine = json.loads(note.read_text(encoding="utf-8")).get("key") == key
    except (OSError, ValueError, AttributeError):
        mine = False
    if mine:
        return
    for path in folder.iterdir():
        if path.is_dir():
            log.info("files of an earlier attempt with another source are deleted: %s", path)
            shutil.rmtree(path)
        elif path.name != "lock":
            os.unlink(path)
    write_json(note, {"source": uri, "key": key})
