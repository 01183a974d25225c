"""Zip archives: what they hold, and the bytes of one file, also after the end of the archive has been cut off."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sparseinst.data.sources.members import Listing, Member, Survey, damaged

_CHUNK_BYTES = 1 << 20
_HEADER_BYTES = 30  # of a file's own header, without its name (APPNOTE.TXT 4.3.7)
_ENCRYPTED = 0x1


def list_zip(path: Path, where: str) -> Listing:
    """
    Raises:
        DatasetError: It is damaged, or refused for what it holds.
    """
    survey = Survey(path.stat().st_size, where)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
            end_of_files = archive.start_dir
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise damaged(where, f"it is cut off or no zip ({error})") from error
    for info, following in zip(infos, [*(info.header_offset for info in infos[1:]), end_of_files], strict=True):
        if info.header_offset + _HEADER_BYTES + info.compress_size > following:
            raise damaged(where, f"{info.filename!r} reaches into the next file")  # this is also how bombs are made
        _add(info, survey)
    return survey.finish()


def read_member(archive: BinaryIO, member: Member, where: str) -> Iterator[bytes]:
    """The bytes of a file, in pieces.

    Raises:
        DatasetError: They are damaged, or more or fewer than the archive says.
    """
    archive.seek(member.offset)
    header = archive.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or header[:4] != b"PK\x03\x04":
        raise damaged(where, f"{member.name!r} has no header")
    # The lengths of the name and of the extra field that stand before the data.
    archive.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    size = crc = 0
    try:
        for piece in _unpacked(archive, member):
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            if size > member.size:
                break
            yield piece
    except zlib.error as error:
        raise damaged(where, f"{member.name!r} cannot be unpacked ({error})") from error
    if size != member.size:
        raise damaged(where, f"{member.name!r} is not as large as the archive says")
    if crc != member.crc:
        raise damaged(where, f"{member.name!r} has another checksum (CRC-32)")


def _add(info: zipfile.ZipInfo, survey: Survey) -> None:
    mode = info.external_attr >> 16
    if info.is_dir():
        return
    if info.flag_bits & _ENCRYPTED:
        survey.refuse(info.orig_filename, "encrypted")
    elif stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        survey.refuse(info.orig_filename, "a link or a device")
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        survey.refuse(info.orig_filename, f"packed with the method {info.compress_type}; only deflate (8) is read")
    else:
        survey.add(
            Member(
                info.orig_filename,
                info.file_size,
                info.header_offset,
                info.compress_size,
                method=info.compress_type,
                crc=info.CRC,
            )
        )


def _unpacked(archive: BinaryIO, member: Member) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == zipfile.ZIP_DEFLATED else None
    left = member.packed
    while left > 0 and not (inflate and inflate.eof) and (piece := archive.read(min(left, _CHUNK_BYTES))):
        left -= len(piece)
        if inflate is None:
            yield piece
            continue
        while piece:  # a little input can be a lot of output: never more than a piece of it at a time
            yield inflate.decompress(piece, _CHUNK_BYTES)
            piece = inflate.unconsumed_tail
    if inflate is not None:
        yield inflate.flush()
