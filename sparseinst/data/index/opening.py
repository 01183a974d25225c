"""The index of an annotation file: the one that is kept beside it, or a new one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from filelock import FileLock

from sparseinst.data.index.build import build_index
from sparseinst.data.index.index import Index
from sparseinst.errors import DatasetError
from sparseinst.files import atomic_directory
from sparseinst.log import get_logger
from sparseinst.storage.node_cache import cache_folder

log = get_logger("data")

_UNSOUND = (OSError, ValueError, KeyError, TypeError)


def open_index(annotations: Path) -> Index:
    """Opens the index of a COCO file; where there is none, or the file has changed since, it is built first.

    It is kept in a hidden folder beside the file, or in the cache folder (SPARSEINST_CACHE) where that is not ours to
    write. Of several processes one builds it, and the others wait.

    Raises:
        DatasetError: The file is missing or no JSON, or holds something that COCO files do not.
        StorageError: There is no folder to keep the index in.
    """
    beside = annotations.with_name(f".{annotations.stem}.index")
    index = _sound(beside, annotations)
    if index is not None:
        return index
    if annotations.is_file() and not os.access(annotations.parent, os.W_OK):
        place = hashlib.sha256(str(annotations.resolve()).encode()).hexdigest()[:16]
        beside = cache_folder("indexes") / place
    return _sound(beside, annotations) or _build(annotations, beside)


def _build(annotations: Path, folder: Path) -> Index:
    try:
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            index = _sound(folder, annotations)  # another process may have built it meanwhile
            if index is None:
                log.info("indexing %s, once", annotations)
                with atomic_directory(folder) as new:
                    build_index(annotations, new)
                index = Index(folder)
    except OSError as error:
        problem = f"The index of the annotations cannot be written: {error.strerror or error}."
        raise DatasetError(problem, where=str(folder), fix="Make room on the disk, or set SPARSEINST_CACHE.") from error
    return index


def _sound(folder: Path, annotations: Path) -> Index | None:
    """The index in a folder, if it is one of the file as it is now."""
    try:
        index = Index(folder)
        return index if index.header.is_of(annotations) else None
    except _UNSOUND:
        return None
