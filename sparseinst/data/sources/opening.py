"""From what a user wrote to the source of a data set that it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sparseinst.data.sources import coco2017
from sparseinst.data.sources.archives import ArchiveSource
from sparseinst.data.sources.base import Source
from sparseinst.data.sources.bucket import S3Source
from sparseinst.data.sources.local import ALLOWED, DirectorySource
from sparseinst.data.sources.staging import open_staging
from sparseinst.errors import StorageError
from sparseinst.storage import open_storage
from sparseinst.storage.place import PIN, read_place
from sparseinst.storage.s3 import S3Storage

OFFICIAL = {coco2017.NAME: coco2017.ARCHIVES}

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")
_ARCHIVE_NAME = re.compile(r"\.(zip|tar|tgz|tar\.gz|tar\.bz2|tbz2|tar\.xz|txz)$", re.IGNORECASE)


@contextmanager
def open_source(source: str, output: Path, *, official: Mapping[str, Sequence[str]] = OFFICIAL) -> Iterator[Source]:
    """The source of a data set, from which `output` is being made.

    What is fetched waits in the hidden folder `.<output's name>.source` beside the output. If the block ends with an
    error it stays there, and the next attempt with the same source and output goes on from it.

    Args:
        source: A directory, s3://bucket/prefix, or one or several archives with spaces between them: local files,
            s3://bucket/key.zip or http(s)://…, each with `#sha256=…` behind it if it is to be checked. Or the name of
            an official data set, which wins over a directory of that name: `./coco2017` is the directory.
        output: The dataset directory to be; only its name and place matter here.
        official: The archives of each official data set.

    Raises:
        ConfigError: An archive's address is none, or SPARSEINST_MIRROR is none.
        DatasetError: There is no such directory, or it is the output.
        StorageError: The place is of an unknown kind, cannot be read, or is being read for the same output.
    """
    archives = official.get(source) or _archives_in(source)
    if archives:
        places = [read_place(archive) for archive in archives]
        with open_staging(output, " ".join(archives), " ".join(place.shown for place in places)) as staging:
            yield ArchiveSource(places, staging)
        return
    scheme = _SCHEME.match(source)
    if scheme and scheme[1] != "s3":
        problem = f"A data set cannot be brought from {scheme[1]}:// places."
        raise StorageError(problem, where=source, fix=ALLOWED)
    storage = open_storage(source)
    if not isinstance(storage, S3Storage):
        yield DirectorySource(Path(source), output)
        return
    with open_staging(output, source, storage.uri) as staging:
        yield S3Source(storage, staging)


def _archives_in(source: str) -> list[str]:
    """The archives that are named, none where something else is. A name may have spaces in it."""
    parts = source.split()
    if len(parts) > 1 and all(_is_archive(part) for part in parts):
        return parts
    return [source] if _is_archive(source) else []


def _is_archive(text: str) -> bool:
    place = text.partition(PIN)[0]
    scheme = _SCHEME.match(place)
    if scheme is None:
        return Path(place).is_file()
    return scheme[1].lower() in ("http", "https") or (scheme[1] == "s3" and bool(_ARCHIVE_NAME.search(place)))
