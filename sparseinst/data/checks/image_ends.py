"""Whether an image file ends too early, as its own structure tells.

The structures are those of the formats' specifications: lengths in RIFF, BMP, PNG and ISO media files, end marks in
JPEG and GIF, offsets in TIFF.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

_MOST_PARTS = 10_000  # of a file whose parts have no end

_TIFF_BYTES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8)  # of a value, by TIFF's number of its type
_TIFF_PLACES = (273, 279, 324, 325)  # the tags StripOffsets, StripByteCounts, TileOffsets, TileByteCounts


def shortfall(file: BinaryIO) -> str | None:
    """How an image file ends too early, as far as its own structure tells; None where it seems whole.

    It is meant for files that cannot be decoded: a file may lack its very end and be read all the same.
    """
    size = file.seek(0, io.SEEK_END)
    if size == 0:
        return "it is empty: 0 bytes"
    file.seek(0)
    head = file.read(32)
    if head.startswith(b"\xff\xd8"):
        return _without_end_mark(file, size, b"\xff\xd9", "JPEG")
    if head.startswith(b"GIF8"):
        return _without_end_mark(file, size, b";", "GIF")
    needed = _needed_bytes(file, head, size)
    if needed is None or needed <= size:
        return None
    return f"it ends at byte {size}, and should go on to byte {needed} at least"


def _without_end_mark(file: BinaryIO, size: int, mark: bytes, kind: str) -> str | None:
    file.seek(max(0, size - 4096))
    if file.read().rstrip(b"\0\r\n").endswith(mark):
        return None
    return f"it ends at byte {size} without the end mark of a {kind} file"


def _needed_bytes(file: BinaryIO, head: bytes, size: int) -> int | None:
    """How long the file must be at least, as its structure says."""
    if head.startswith(b"RIFF"):
        return 8 + int.from_bytes(head[4:8], "little")
    if head.startswith(b"BM"):
        return int.from_bytes(head[2:6], "little")
    if head.startswith(b"\x89PNG"):
        return max(_png_parts(file))
    if head[4:8] in (b"ftyp", b"jP  "):
        return max(_box_parts(file, size))
    if head[:4] in (b"II*\0", b"MM\0*"):
        return _tiff_bytes(file, head, size)
    return None


def _png_parts(file: BinaryIO) -> Iterator[int]:
    """Where each chunk of a PNG file should end, up to the one that ends the file."""
    end = 8
    for _ in range(_MOST_PARTS):
        file.seek(end)
        start = file.read(8)
        end += 12
        if len(start) == 8:
            end += int.from_bytes(start[:4], "big")
        yield end
        if len(start) < 8 or start[4:] == b"IEND":
            return


def _box_parts(file: BinaryIO, size: int) -> Iterator[int]:
    """Where each outermost box of an ISO media file (JPEG 2000, AVIF) should end."""
    end, has_data = 0, False
    for _ in range(_MOST_PARTS):
        file.seek(end)
        start = file.read(16)
        length = int.from_bytes(start[:4], "big")
        if length == 1:  # the true length follows in 64 bits
            length = int.from_bytes(start[8:16], "big")
        has_data = has_data or start[4:8] in (b"jp2c", b"mdat")
        end += length if len(start) >= 8 else 8
        yield end
        if len(start) < 8 or length < 8 or end > size or (end == size and has_data):
            return


def _tiff_bytes(file: BinaryIO, head: bytes, size: int) -> int:
    """Where the first directory of a TIFF file, or what it points at, should end."""
    order = "<" if head.startswith(b"II") else ">"
    if len(head) < 8:
        return 8
    begin = struct.unpack(f"{order}I", head[4:8])[0]
    file.seek(begin)
    entries = int.from_bytes(file.read(2), "little" if order == "<" else "big")
    end = begin + 2 + 12 * entries + 4
    numbers: dict[int, tuple[int, ...]] = {}
    directory = file.read(12 * entries)
    for tag, kind, count, place in struct.iter_unpack(f"{order}HHI4s", directory[: len(directory) // 12 * 12]):
        length = count * (_TIFF_BYTES[kind] if kind < len(_TIFF_BYTES) else 0)
        if length > 4:  # the values are elsewhere
            offset = struct.unpack(f"{order}I", place)[0]
            end = max(end, offset + length)
            if end > size:
                return end
            file.seek(offset)
            place = file.read(length)
        if kind in (3, 4) and tag in _TIFF_PLACES:
            numbers[tag] = struct.unpack(f"{order}{count}{'H' if kind == 3 else 'I'}", place[:length])
    for offsets, lengths in (_TIFF_PLACES[:2], _TIFF_PLACES[2:]):
        pairs = zip(numbers.get(offsets, ()), numbers.get(lengths, ()), strict=False)
        end = max([end, *(offset + length for offset, length in pairs)])
    return end
