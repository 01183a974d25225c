"""From this machine to the bucket: what has changed, several files at a time, and the list of files last."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from sparseinst.errors import StorageError
from sparseinst.storage.parallel import in_parallel
from sparseinst.storage.s3 import S3Storage
from sparseinst.storage.s3_fetch import patiently
from sparseinst.storage.transfer import transfer
from sparseinst.workspace.file_list import Content, FileList, total

_FILES_AT_A_TIME = 16


def list_key(name: str) -> str:
    """The key of a part's list of files."""
    return f"{name}.files.json"


def read_list(storage: S3Storage, name: str) -> FileList | None:
    """The part's list of files; None where no step has brought any."""
    key, stop = list_key(name), threading.Event()
    if not patiently(lambda: storage.exists(key), key, stop):
        return None
    content = patiently(lambda: storage.read_bytes(key), key, stop)
    return FileList.read(content, f"{storage.uri}/{key}")


def push(storage: S3Storage, name: str, folder: Path, now: FileList) -> None:
    """Makes the part in the bucket what `now` lists. At every moment the list in the bucket names whole files only.

    Raises:
        StorageError: It cannot be written.
    """
    before = read_list(storage, name) or FileList()
    if before == now:
        return
    changed = {each: content for each, content in now.files.items() if before.files.get(each) != content}
    gone = [each for each in before.files if each not in now.files]
    if before.files and (changed or gone):
        kept = {each: content for each, content in now.files.items() if each not in changed}
        _write_list(storage, name, FileList(kept))
    if changed:
        _upload(storage, name, folder, changed)
    for each in gone:
        storage.delete(f"{name}/{each}")
    _write_list(storage, name, now)


def _write_list(storage: S3Storage, name: str, listed: FileList) -> None:
    key = list_key(name)
    patiently(lambda: storage.write_bytes(key, listed.write()), key, threading.Event())


def _upload(storage: S3Storage, name: str, folder: Path, changed: Mapping[str, Content]) -> None:
    stop = threading.Event()
    size = total(changed.values())
    with transfer("scratch", f"copying to {storage.uri}/{name}", files=len(changed), total=size) as shown:

        def upload_one(item: tuple[str, Content]) -> None:
            inner, content = item
            key = f"{name}/{inner}"
            patiently(lambda: storage.upload(folder / inner, key), key, stop)
            shown.advance(content.size)
            shown.end_file()

        largest_first = sorted(changed.items(), key=lambda item: -item[1].size)
        for _ in in_parallel(upload_one, largest_first, _FILES_AT_A_TIME, stop):
            pass


def not_made(storage: S3Storage, name: str, listed: FileList | None) -> StorageError:
    """The error for a part that another step should have made."""
    problem = f"The run has no '{name}'" + (": the step that makes it did not end well." if listed else ".")
    return StorageError(problem, where=f"{storage.uri}/{name}", fix="Run the step that makes it, in the same run.")
