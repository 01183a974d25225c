"""A data set below a prefix of an S3 bucket."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from sparseinst.data.sources.base import Source
from sparseinst.data.sources.staging import Staging
from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.storage.base import Entry, is_hidden
from sparseinst.storage.disk import check_free_space
from sparseinst.storage.parallel import in_parallel
from sparseinst.storage.s3 import S3Storage
from sparseinst.storage.s3_fetch import fetch_object, patiently
from sparseinst.storage.transfer import transfer

log = get_logger("ingest")

_FILES_AT_A_TIME = 16


class S3Source(Source):
    """Objects are fetched into the staging folder. One that is there with the size and time of the list is whole."""

    images_can_stay = True

    def __init__(self, storage: S3Storage, staging: Staging) -> None:
        self.uri = storage.uri
        self._storage, self._staging = storage, staging

    def names(self) -> list[str]:
        return list(self._entries)

    def local(self, name: str) -> Path:
        self.fetch([name])
        return self._staging.path(name)

    def fetch(self, names: Sequence[str]) -> None:
        wanted = [self._entry(name) for name in dict.fromkeys(names)]
        missing = [entry for entry in wanted if not self._is_here(entry)]
        if not missing:
            return
        total, left = sum(entry.size for entry in wanted), sum(entry.size for entry in missing)
        check_free_space(self._staging.folder, left, "what is fetched")
        stop = threading.Event()
        with transfer(
            "ingest",
            f"fetching from {self.uri}",
            files=len(wanted),
            total=total,
            done_files=len(wanted) - len(missing),
            done=total - left,
        ) as shown:

            def fetch_one(name: str) -> None:
                path = self._staging.new_path(name)
                fetch_object(self._storage, self._entries[name], path, shown.advance, stop)
                shown.end_file()

            largest_first = sorted(missing, key=lambda entry: -entry.size)  # so that none is left over at the end
            for _ in in_parallel(fetch_one, [entry.key for entry in largest_first], _FILES_AT_A_TIME, stop):
                pass

    def place(self, name: str, path: Path) -> None:
        self.fetch([name])
        self._staging.place(name, path)

    def done(self) -> None:
        self._staging.delete()

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        entries = patiently(self._storage.entries, self.uri, threading.Event())
        found = {entry.key: entry for entry in entries if not is_hidden(entry.key)}
        if not self._staging.is_empty():
            here = [entry.size for entry in found.values() if self._is_here(entry)]
            size = sum(here) / 1e6
            log.info("going on from an earlier attempt: %d of %d files (%.1f MB) are here", len(here), len(found), size)
        return found

    def _entry(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise StorageError(f"There is no file {name!r}.", where=self.uri, fix="Check the path.") from None

    def _is_here(self, entry: Entry) -> bool:
        try:
            status = self._staging.path(entry.key).stat()
        except FileNotFoundError:
            return False
        return status.st_size == entry.size and int(status.st_mtime) == int(entry.modified)
