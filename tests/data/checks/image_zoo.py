"""Small image files of every kind, made when they are asked for."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 40  # as they are stored


def photo(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> Image.Image:
    """A smooth colour picture, another for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str, **options) -> bytes:
    content = BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def turned(form: str, orientation: int, **options) -> bytes:
    """A file whose EXIF data asks for a rotation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(photo(), form, exif=exif, **options)


def transparent_palette() -> bytes:
    return encoded(photo().quantize(16), "PNG", transparency=3)


def png(depth: int, colour: int, rows: bytes, height: int = HEIGHT, width: int = WIDTH, before: bytes = b"") -> bytes:
    """A PNG file of any kind, written by hand: Pillow writes no 16-bit colours. `before` are chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def deep(channels: int) -> bytes:
    """A PNG file of 16 bits a channel: grey, or RGB."""
    values = np.linspace(0, 65535, HEIGHT * WIDTH * channels).astype(">u2").reshape(HEIGHT, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    return png(16, {1: 0, 3: 2}[channels], rows)


def grey_alpha() -> bytes:
    return encoded(photo().convert("LA"), "PNG")


def frames(form: str, **options) -> bytes:
    return encoded(photo(1), form, save_all=True, append_images=[photo(2), photo(3)], **options)


FLOATS = Image.fromarray(np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH))
WHOLE_NUMBERS = Image.fromarray(np.arange(HEIGHT * WIDTH, dtype=np.int32).reshape(HEIGHT, WIDTH) * 100)

# name -> (content, the codes that the checks must tell, in their order)
ZOO: dict[str, tuple[bytes, list[str]]] = {
    "plain.jpg": (encoded(photo(), "JPEG"), []),
    "plain.JPEG": (encoded(photo(), "JPEG", progressive=True), []),
    "plain.png": (encoded(photo(), "PNG"), []),
    "plain.tif": (encoded(photo(), "TIFF", compression="tiff_lzw"), []),
    "plain.webp": (encoded(photo(), "WEBP"), []),
    "plain.bmp": (encoded(photo(), "BMP"), []),
    "plain.gif": (encoded(photo().quantize(8), "GIF"), []),
    "palette.png": (encoded(photo().quantize(16), "PNG"), []),
    "phone.jpg": (encoded(photo(1), "MPO", save_all=True, append_images=[photo(2)]), []),
    "name-without-ending": (encoded(photo(), "JPEG"), []),
    "grey.jpg": (encoded(photo().convert("L"), "JPEG"), ["IMG-GREY"]),
    "bits.png": (encoded(photo().convert("1"), "PNG"), ["IMG-GREY"]),
    "print.jpg": (encoded(photo().convert("CMYK"), "JPEG"), ["IMG-CMYK"]),
    "print.tif": (encoded(photo().convert("CMYK"), "TIFF"), ["IMG-CMYK"]),
    "deep-grey.png": (deep(1), ["IMG-GREY", "IMG-16BIT"]),
    "deep-colour.png": (deep(3), ["IMG-16BIT"]),
    "whole-numbers.tif": (encoded(WHOLE_NUMBERS, "TIFF"), ["IMG-GREY", "IMG-16BIT"]),
    "floats.tif": (encoded(FLOATS, "TIFF"), ["IMG-FLOAT"]),
    "alpha.png": (encoded(photo().convert("RGBA"), "PNG"), ["IMG-ALPHA"]),
    "grey-alpha.png": (grey_alpha(), ["IMG-GREY", "IMG-ALPHA"]),
    "alpha.webp": (encoded(Image.merge("RGBA", (*photo().split(), photo(1).getchannel(0))), "WEBP"), ["IMG-ALPHA"]),
    "transparent.png": (transparent_palette(), ["IMG-ALPHA"]),
    "film.gif": (frames("GIF"), ["IMG-ANIMATED"]),
    "film.webp": (frames("WEBP"), ["IMG-ANIMATED"]),
    "film.png": (frames("PNG"), ["IMG-ANIMATED"]),
    "stack.tif": (frames("TIFF"), ["IMG-ANIMATED"]),
    "mirrored.jpg": (turned("JPEG", 2), ["IMG-EXIF"]),
    "upside-down.png": (turned("PNG", 3), ["IMG-EXIF"]),
    "jpeg-called.png": (encoded(photo(), "JPEG"), ["IMG-FORMAT"]),
    "png-called.jpg": (encoded(photo(), "PNG"), ["IMG-FORMAT"]),
    "empty.jpg": (b"", ["IMG-TRUNCATED"]),
    "cut.jpg": (encoded(photo(), "JPEG")[:-200], ["IMG-TRUNCATED"]),
    "text.jpg": (b"no picture at all", ["IMG-UNDECODABLE"]),
    "page.jpg": (b"\n<!DOCTYPE html><html>404</html>", ["IMG-UNDECODABLE"]),
    "pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", ["IMG-UNDECODABLE"]),
    "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ["IMG-UNDECODABLE"]),
    "drawing.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", ["IMG-UNDECODABLE"]),
    "bomb.png": (png(8, 2, b"", 100_000, 100_000), ["IMG-UNDECODABLE"]),
}
