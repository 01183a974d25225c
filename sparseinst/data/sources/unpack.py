"""Unpacks an archive so that a killed process can go on, and so that there is one copy of the data on the disk.

An archive that was downloaded for it is eaten from its end: the last file is taken out, and when 64 MB of the
archive are not needed any more they are cut off. Of a compressed tar this cannot be done, as it can be read only from
the front: until it is unpacked there are two copies. An archive that is the user's own is only read.
"""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from sparseinst.data.sources import tar_archive, zip_archive
from sparseinst.data.sources.base import link_or_copy
from sparseinst.data.sources.journal import Journal
from sparseinst.data.sources.members import Listing, Member
from sparseinst.errors import DatasetError
from sparseinst.storage.disk import check_free_space, disk_errors
from sparseinst.storage.transfer import Transfer

_CUT_BYTES = 64 << 20
_COMPRESSED = {b"\x1f\x8b": "tar.gz", b"BZh": "tar.bz2", b"\xfd7zXZ\0": "tar.xz"}


class Lost(Exception):
    """Files that had been taken out of an archive are gone, and the archive with them."""


def kind_of(path: Path, where: str) -> str:
    """The kind of an archive by what is in the file: "zip", "tar", "tar.gz", "tar.bz2" or "tar.xz".

    Raises:
        DatasetError: It is none of these.
    """
    with path.open("rb") as file:
        begin = file.read(tarfile.BLOCKSIZE)
    for magic, kind in _COMPRESSED.items():
        if begin.startswith(magic):
            return kind
    if zipfile.is_zipfile(path) or begin.startswith(b"PK\x03\x04"):
        return "zip"
    with suppress(tarfile.HeaderError):  # not is_tarfile: it reads a first header of any length
        tarfile.TarInfo.frombuf(begin, tarfile.ENCODING, "surrogateescape")
        return "tar"
    is_page = begin.lstrip().lower().startswith((b"<!", b"<htm"))
    raise DatasetError(
        "The server sent a web page in place of an archive." if is_page else "The file is no archive.",
        where=where,
        fix="Give the address of the file itself: a zip, a tar, or a tar packed with gzip, bzip2 or xz.",
    )


def list_archive(path: Path, kind: str, where: str) -> Listing:
    """
    Raises:
        DatasetError: It is damaged, or refused for what it holds.
    """
    return zip_archive.list_zip(path, where) if kind == "zip" else tar_archive.list_tar(path, kind, where)


def unpack(
    path: Path, journal: Journal, file_of: Callable[[str], Path], shown: Transfer, *, eat: bool, where: str
) -> None:
    """Takes every listed file out of the archive that is not out yet.

    Args:
        path: The archive, or what an earlier attempt left of it.
        journal: What it held when it was whole.
        file_of: Where each file goes, by its name.
        shown: Is told the files and the bytes that come out.
        eat: Whether the archive is deleted, piece by piece where that can be done.
        where: What errors call the archive.

    Raises:
        DatasetError: It is damaged.
        StorageError: The disk is full or cannot be written.
        Lost: The archive has to be had anew.
    """
    with disk_errors(path):
        size = path.stat().st_size if path.exists() else 0
        missing = [member for member in journal.listing.members if not is_out(member, file_of)]
        cuts = eat and journal.kind in ("zip", "tar")
        if missing and (not size or (cuts and max(member.offset for member in missing) >= size)):
            raise Lost
        missing.sort(key=lambda member: member.offset, reverse=cuts)
        check_free_space(path.parent, _space(missing, size, cuts), "unpacking the archive")
        if missing:
            with _reading(path, journal.kind, where) as read:
                for member in missing:
                    _take_out(read(member), member, file_of(member.name), shown)
                    if cuts and size - member.offset >= _CUT_BYTES:
                        os.truncate(path, member.offset)
                        size = member.offset
        for name, target in journal.listing.links.items():
            link_or_copy(file_of(target), file_of(name))
        if eat:
            path.unlink(missing_ok=True)


def is_out(member: Member, file_of: Callable[[str], Path]) -> bool:
    """Whether the file was taken out of its archive: it gets its name when it is whole."""
    try:
        return file_of(member.name).stat().st_size == member.size
    except FileNotFoundError:
        return False


@contextmanager
def _reading(path: Path, kind: str, where: str) -> Iterator[Callable[[Member], Iterable[bytes]]]:
    if kind == "zip":
        with path.open("rb") as file:
            yield partial(zip_archive.read_member, file, where=where)
    else:
        with tar_archive.open_tar(path, kind, where) as reader:
            yield partial(tar_archive.read_member, reader)


def _take_out(pieces: Iterable[bytes], member: Member, target: Path, shown: Transfer) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                shown.advance(len(piece))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    shown.end_file()


def _space(missing: Iterable[Member], archive_bytes: int, cuts: bool) -> int:
    """How many bytes of the disk are taken at most, beside what is taken now, on the way to the end."""
    out = most = cut = 0
    for member in missing:
        out += member.size
        most = max(most, out - cut)
        cut = archive_bytes - member.offset if cuts else 0
    return min(out, most + _CUT_BYTES)
