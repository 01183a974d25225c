"""What every storage can do. Keys are relative paths with slashes; a prefix means a folder, never half a name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from sparseinst.errors import StorageError
from sparseinst.storage.parallel import run_parallel


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a storage: its size in bytes, and when it was last written, in seconds since 1970."""

    key: str
    size: int
    modified: float


Keys: TypeAlias = list[str]  # inside a class with a method `list`, the types need other names
Entries: TypeAlias = list[Entry]

_WORKERS = 8


class Storage(ABC):
    """Files under `uri`. A file appears whole or not at all; nobody ever reads half of one.

    Every method raises StorageError where a file, the bucket or the server is not there or not ours to use.
    """

    uri: str

    @abstractmethod
    def list(self, prefix: str = "") -> Keys:
        """The keys in the folder `prefix` and below it, sorted; none where there is no such folder."""

    @abstractmethod
    def entries(self, prefix: str = "") -> Entries:
        """What `list` gives, with sizes and times."""

    @abstractmethod
    def read_bytes(self, key: str) -> bytes: ...

    @abstractmethod
    def write_bytes(self, key: str, content: bytes) -> None:
        """Writes a file, in place of an older one."""

    @abstractmethod
    def create(self, key: str, content: bytes) -> bool:
        """Writes a file only where none is: of several writers exactly one gets True."""

    @abstractmethod
    def upload(self, path: Path, key: str) -> None:
        """Copies a local file in, in place of an older one."""

    @abstractmethod
    def download(self, key: str, path: Path) -> None:
        """Copies a file out to `path`, in place of an older one; missing folders are made."""

    @abstractmethod
    def exists(self, key: str) -> bool: ...

    @abstractmethod
    def delete(self, key: str) -> None:
        """Deletes a file; one that is gone already is no error."""

    def delete_prefix(self, prefix: str) -> None:
        """Deletes the folder `prefix` with everything below it."""
        check_key(prefix, self.uri)
        for key in self.list(prefix):
            self.delete(key)

    def copy_in(self, directory: Path, prefix: str = "", workers: int = _WORKERS) -> None:
        """Copies a local directory, hidden files left out, under `prefix`; several files at a time."""
        if not directory.is_dir():
            raise StorageError("There is no such directory to copy from.", where=str(directory), fix="Check the path.")
        names = [
            path.relative_to(directory).as_posix()
            for path in sorted(directory.rglob("*"))
            if path.is_file() and not is_hidden(path.relative_to(directory).as_posix())
        ]
        folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        run_parallel(
            lambda name: self.upload(directory / name, folder + name), names, f"copying to {self.uri}", workers
        )

    def copy_out(self, keys: Sequence[str], directory: Path, workers: int = _WORKERS) -> None:
        """Copies files out into a local directory, under their keys; several files at a time."""
        run_parallel(lambda key: self.download(key, directory / key), keys, f"copying from {self.uri}", workers)


def check_key(key: str, uri: str) -> None:
    """Refuses a key that names nothing, or something outside the storage."""
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts:
        raise StorageError(
            f"{key!r} does not name a file in this storage.", where=uri, fix="Use a relative path without '..'."
        )


def is_hidden(key: str) -> bool:
    return key.startswith(".") or "/." in key
