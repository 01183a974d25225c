"""What the local disk refuses, said like every other error of storage."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparseinst.errors import StorageError


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns an OSError of the block into a StorageError about `path`."""
    try:
        yield
    except OSError as error:
        problem = f"Cannot read or write the file: {error.strerror or error}."
        fix = "Check the folder's permissions and the free space on its disk."
        raise StorageError(problem, where=str(path), fix=fix) from error


def check_free_space(folder: Path, needed_bytes: int, doing: str) -> None:
    """
    Raises:
        StorageError: The disk of an existing folder has less free space than that.
    """
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise StorageError(
            f"There is not enough free space for {doing}.",
            where=str(folder),
            details=[f"needed: {needed_bytes / 1e9:.2f} GB", f"free: {free / 1e9:.2f} GB"],
            fix="Free some space, or give an output on another disk; the next attempt goes on from this one.",
        )
