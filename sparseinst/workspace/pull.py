"""From the bucket to this machine: several files at a time, each checked. A later attempt goes on from there."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from sparseinst.errors import StorageError
from sparseinst.files import sha256_of_file, write_text
from sparseinst.storage.base import Entry
from sparseinst.storage.disk import check_free_space, disk_errors
from sparseinst.storage.parallel import in_parallel
from sparseinst.storage.s3 import S3Storage
from sparseinst.storage.s3_fetch import fetch_object
from sparseinst.storage.transfer import transfer
from sparseinst.workspace.file_list import Content, FileList, total

_FILES_AT_A_TIME = 16


def pull(storage: S3Storage, name: str, listed: FileList, folder: Path) -> None:
    """Makes the listed files of a part lie below `folder`. Other files there are left alone.

    Raises:
        StorageError: A file cannot be fetched, or is not what the list says.
    """
    if is_noted(folder, listed):
        return
    missing = {each: content for each, content in listed.files.items() if not _is_here(folder / each, content)}
    if missing:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        check_free_space(folder, total(missing.values()), f"the run's '{name}'")
        _fetch(storage, name, listed, missing, folder)
    note(folder, listed)


def note(folder: Path, listed: FileList) -> None:
    """Remembers that the files are here, so that nobody hashes them again."""
    write_text(_note(folder), listed.sha256)


def forget(folder: Path) -> None:
    """The opposite of `note`: the files are going to change."""
    _note(folder).unlink(missing_ok=True)


def is_noted(folder: Path, listed: FileList) -> bool:
    """Whether they were here, and look as if they were still."""
    path = _note(folder)
    if not path.is_file() or path.read_text(encoding="utf-8") != listed.sha256:
        return False
    return all(_has_size(folder / each, content.size) for each, content in listed.files.items())


def _note(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.fetched")


def _fetch(storage: S3Storage, name: str, listed: FileList, missing: Mapping[str, Content], folder: Path) -> None:
    stop = threading.Event()
    counts = {"files": len(listed.files), "total": listed.size}
    done = {"done_files": len(listed.files) - len(missing), "done": listed.size - total(missing.values())}
    with transfer("scratch", f"fetching {storage.uri}/{name}", **counts, **done) as shown:

        def fetch_one(item: tuple[str, Content]) -> None:
            inner, content = item
            path = folder / inner
            with disk_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            entry = Entry(f"{name}/{inner}", content.size, time.time())
            fetch_object(storage, entry, path, shown.advance, stop)
            if not _is_here(path, content):
                path.unlink()
                raise StorageError(
                    f"The file {entry.key!r} is not what the step wrote that made it.",
                    where=storage.uri,
                    fix="Run that step again; and see who else may write to the bucket.",
                )
            shown.end_file()

        largest_first = sorted(missing.items(), key=lambda item: -item[1].size)  # none is left over at the end
        for _ in in_parallel(fetch_one, largest_first, _FILES_AT_A_TIME, stop):
            pass


def _is_here(path: Path, content: Content) -> bool:
    return _has_size(path, content.size) and sha256_of_file(path) == content.sha256


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
