"""A cache on the node's own disk of files that lie in a bucket, shared by all processes of the node, with a bound.

SPARSEINST_CACHE is the folder of all caches; without it $XDG_CACHE_HOME/sparseinst or ~/.cache/sparseinst is.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import time
import zlib
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.storage.base import Storage

log = get_logger("cache")

_MARK = struct.Struct("<QI")  # how long the content is, and its CRC-32
_SECONDS_BETWEEN_SWEEPS = 3600.0
_LEFT_OVER_SECONDS = 600.0  # nobody writes one file for so long


def cache_folder(kind: str) -> Path:
    """The folder of one kind of cached files, made where it is missing.

    Raises:
        StorageError: There is none that we may write to.
    """
    cache = os.environ.get("SPARSEINST_CACHE")
    try:
        root = Path(cache) if cache else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "sparseinst")
        (root / kind).mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # a container's user often has no home that it may write to
        problem = f"There is no folder for the {kind} that are kept: {error}."
        raise StorageError(problem, fix="Set SPARSEINST_CACHE to a folder that you may write to.") from error
    return root / kind


class NodeCache:
    """Files of a storage; each is fetched once as long as there is room for it.

    What is kept is checked when it is read, and fetched anew where it is damaged. A cache that cannot be read or
    written (a full disk, a folder of somebody else's) costs a warning and time, but no file. Processes may share the
    folder and may be killed at any time; one that was forked opens the cache anew.
    """

    def __init__(self, storage: Storage, folder: Path, most_bytes: int) -> None:
        """`most_bytes` bounds what the folder holds, of all storages that use it; what was stored first goes first."""
        self.storage, self.folder, self.most_bytes = storage, folder, most_bytes
        self._has_warned = False

    def read_bytes(self, key: str) -> bytes:
        """What the file holds.

        Raises:
            StorageError: It is not in the cache, and the storage does not have it or does not answer.
        """
        name = f"{self.storage.uri}/{key}"
        kept = self._get(name)
        if kept is not None:
            return kept
        content = self.storage.read_bytes(key)
        self._keep(name, content)
        return content

    def _get(self, name: str) -> bytes | None:
        try:
            entry = None if self._cache is None else self._cache.get(name, retry=True)
        except _errors() as error:
            self._warn(error)
            return None
        if not isinstance(entry, bytes) or len(entry) < _MARK.size:
            return None
        length, crc = _MARK.unpack_from(entry)
        content = entry[_MARK.size :]
        return content if (len(content), zlib.crc32(content)) == (length, crc) else None

    def _keep(self, name: str, content: bytes) -> None:
        if self._cache is None or len(content) > self.most_bytes:
            return
        try:
            self._cache.set(name, _MARK.pack(len(content), zlib.crc32(content)) + content, retry=True)
        except _errors() as error:
            self._warn(error)

    @cached_property
    def _cache(self) -> Any:
        """diskcache's cache; it opens its database anew in a forked process. None: it cannot be opened."""
        import diskcache

        try:
            cache = diskcache.Cache(
                str(self.folder),
                disk=_raw_disk(),
                size_limit=self.most_bytes,
                eviction_policy="least-recently-stored",
                sqlite_mmap_size=0,  # what sqlite maps or keeps is each worker's memory
                sqlite_cache_size=256,  # pages of 4 KiB
            )
            _sweep(self.folder)
            return cache
        except _errors() as error:
            self._warn(error)
            return None

    def _warn(self, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning("%s is of no use as a cache (%s): files are fetched each time", self.folder, error)


def _sweep(folder: Path) -> None:
    """Deletes files that the database does not know: a process was killed while it wrote or deleted them."""
    stamp = folder / "swept"
    if stamp.exists() and time.time() - stamp.stat().st_mtime < _SECONDS_BETWEEN_SWEEPS:
        return
    stamp.touch()
    old = [path for path in folder.glob("*/*/*.val") if _is_old(path)]
    if not old:
        return
    with closing(sqlite3.connect(folder / "cache.db", timeout=60)) as database:
        known = {name for (name,) in database.execute("SELECT filename FROM Cache WHERE filename IS NOT NULL")}
    for path in old:
        if path.relative_to(folder).as_posix() not in known:
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime >= _LEFT_OVER_SECONDS
    except FileNotFoundError:  # it has just been evicted
        return False


def _errors() -> tuple[type[Exception], ...]:
    from diskcache import Timeout

    return (OSError, sqlite3.Error, Timeout, _NoBytesError)


class _NoBytesError(Exception):
    """An entry is none that we wrote."""


def _raw_disk() -> type:
    """diskcache's way to store values, without pickle (an entry is bytes, or it is not read) and without half files."""
    from diskcache import Disk
    from diskcache.core import MODE_BINARY, MODE_RAW

    class RawDisk(Disk):
        def fetch(self, mode: int, filename: str, value: Any, read: bool) -> Any:
            if mode not in (MODE_RAW, MODE_BINARY):
                raise _NoBytesError("it holds an entry of another program")
            return super().fetch(mode, filename, value, read)

        def _write(self, full_path: str, *args: Any, **kwargs: Any) -> Any:
            try:
                return super()._write(full_path, *args, **kwargs)
            except OSError:  # the disk is full
                Path(full_path).unlink(missing_ok=True)
                raise

    return RawDisk
