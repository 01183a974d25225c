"""Tar archives, plain or compressed as a whole: what they hold, and the bytes of one file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from sparseinst.data.sources.members import Listing, Member, Survey, damaged
from sparseinst.errors import DatasetError

_CHUNK_BYTES = 1 << 20
_LARGEST_HEADER_BYTES = 16 << 20  # tarfile reads the long form of a header at one go
_OPENERS: dict[str, Callable[[Path], AbstractContextManager[Any]]] = {
    "tar": partial(open, mode="rb"),
    "tar.gz": gzip.open,
    "tar.bz2": bz2.open,
    "tar.xz": lzma.open,
}


class TarReader:
    """The unpacked bytes of a tar, for reading from the front; a plain one can also be read anywhere."""

    def __init__(self, file: IO[bytes], *, anywhere: bool, most_bytes: int, bomb: Callable[[], DatasetError]) -> None:
        self._file, self._anywhere, self._most_bytes, self._bomb = file, anywhere, most_bytes, bomb
        self._position = 0
        self.last = b""  # what was read last

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        if self._anywhere:
            self._position = self._file.seek(position)
            return position
        if position < self._position:
            raise tarfile.ReadError("a header leads back")
        while self._position < position and self.read(min(position - self._position, _CHUNK_BYTES)):
            pass
        return self._position

    def read(self, size: int) -> bytes:
        if size > _LARGEST_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        self.last = piece = self._file.read(size)
        self._position += len(piece)
        if not self._anywhere and self._position > self._most_bytes:
            raise self._bomb()
        return piece


@contextmanager
def open_tar(path: Path, kind: str, where: str) -> Iterator[TarReader]:
    """
    Args:
        path: The archive.
        kind: "tar", "tar.gz", "tar.bz2" or "tar.xz".
        where: What errors call it.

    Raises:
        DatasetError: Also in the block, where the archive turns out to be damaged or a bomb.
    """
    limits = Survey(path.stat().st_size, where)
    # Beside the files there are headers and files that are not wanted: twice the limit is a lot of them.
    most_bytes = 2 * limits.most_bytes
    try:
        with _OPENERS[kind](path) as file:
            yield TarReader(file, anywhere=kind == "tar", most_bytes=most_bytes, bomb=limits.bomb)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise damaged(where, str(error).rstrip(".") or "it ends too early") from error
    except OSError as error:
        if error.errno is not None:  # the disk's; those of bz2 have no number
            raise
        raise damaged(where, str(error)) from error


def list_tar(path: Path, kind: str, where: str) -> Listing:
    """
    Raises:
        DatasetError: It is damaged, or refused for what it holds.
    """
    survey = Survey(path.stat().st_size, where)
    with open_tar(path, kind, where) as reader, tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r:") as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # or it would keep every one in memory
            _add(info, survey)
        if reader.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes anything that is no header for the end
            raise tarfile.ReadError("it has no end, or something else than a file is in it")
    return survey.finish()


def read_member(reader: TarReader, member: Member) -> Iterator[bytes]:
    """The bytes of a file, in pieces. From a compressed tar the files can be read only in their order."""
    assert member.data is not None
    reader.seek(member.data)
    left = member.size
    while left > 0:
        piece = reader.read(min(left, _CHUNK_BYTES))
        if not piece:
            raise tarfile.ReadError(f"{member.name!r} ends too early")
        left -= len(piece)
        yield piece


def _add(info: tarfile.TarInfo, survey: Survey) -> None:
    if info.isdir():
        return
    if info.issym() or info.islnk():
        survey.add_link(info.name, info.linkname, symbolic=info.issym())
    elif not info.isreg():
        survey.refuse(info.name, "a device")
    elif info.issparse():
        survey.refuse(info.name, "a sparse file; pack it without that option")
    else:
        survey.add(Member(info.name, info.size, info.offset, info.size, data=info.offset_data))
