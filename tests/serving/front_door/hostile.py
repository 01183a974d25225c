"""Files that somebody sends by mistake or with bad intent."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from tests.serving.front_door.door import drawn, encoded

_BOMB = zlib.compress(bytes(64 << 20), 9)  # 64 MB of zeros in 65 kB


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(width: int, height: int, *chunks: bytes, pixels: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _many_scans() -> bytes:
    jpeg = encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + 60 * jpeg[last:-2] + jpeg[-2:]


_JPEG = encoded(drawn(60, 80), "JPEG")

# What each file is, and a word of the reason that the client reads.
REFUSED = {
    "nothing": (b"", "empty"),
    "text": (b"GET / HTTP/1.1\r\n" * 9, "no image of a known kind"),
    "the start of a JPEG": (_JPEG[:-20], "truncated"),
    "a PNG without its end": (encoded(drawn(60, 80))[:-40], "truncated"),
    "a PNG whose header says 20 000 x 20 000": (_png(20_000, 20_000, pixels=_BOMB), "more pixels"),
    "a PNG of 64 megapixels": (_png(8000, 8000, pixels=_BOMB), "8000 x 8000 pixels; at most 50 million"),
    "a PNG without width": (_png(0, 5), "no image"),
    "a bomb in a PNG's text": (_png(8, 8, _chunk(b"zTXt", b"k\0\0" + _BOMB)), "MAX_TEXT_CHUNK"),
    "a bomb in a PNG's colour profile": (_png(8, 8, _chunk(b"iCCP", b"k\0\0" + _BOMB)), "MAX_TEXT_CHUNK"),
    "a JPEG of very many scans": (_many_scans(), "scans"),
    "floating-point pixels": (encoded(Image.new("F", (8, 8)), "TIFF"), "floating-point"),
    "PostScript, which starts an interpreter": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image"),
    "a file of 33 MiB": (b"\xff\xd8" + bytes(33 << 20), "33.0 MiB; at most 32"),
}

_FLAT = drawn(60, 80)
_FRAMES = [drawn(60, 80, seed) for seed in range(1, 4)]

# Unusual, but pictures.
TAKEN = {
    "1 x 1": (encoded(Image.new("RGB", (1, 1))), (1, 1)),
    "1 x 30 000": (encoded(Image.new("RGB", (1, 30_000), (200, 9, 9))), (30_000, 1)),
    "a GIF that moves": (encoded(_FLAT.convert("P"), "GIF", save_all=True, append_images=_FRAMES), (60, 80)),
    "a PNG that moves": (encoded(_FLAT, save_all=True, append_images=_FRAMES), (60, 80)),
    "a WebP that moves": (encoded(_FLAT, "WEBP", save_all=True, append_images=_FRAMES), (60, 80)),
    "CMYK": (encoded(_FLAT.convert("CMYK"), "JPEG"), (60, 80)),
    "16 bits": (encoded(Image.new("I;16", (80, 60), 40_000)), (60, 80)),
    "grey": (encoded(_FLAT.convert("L")), (60, 80)),
    "one bit": (encoded(_FLAT.convert("1")), (60, 80)),
    "a palette": (encoded(_FLAT.convert("P")), (60, 80)),
    "transparent": (encoded(_FLAT.convert("RGBA")), (60, 80)),
    "more pixel data than it needs": (_png(8, 8, pixels=_BOMB), (8, 8)),
}
