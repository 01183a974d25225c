"""Reads any picture that a camera or a microscope makes as 8-bit RGB, or says why it cannot."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sparseinst.errors import DatasetError

# What Pillow's decoders raise for damaged files, as found by feeding them damaged files.
_DECODE_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What is taken from strangers. Both are known from a picture's header: nothing is decoded that exceeds them."""

    pixels: int
    formats: tuple[str, ...]  # Pillow's names: it knows many, and some of their decoders start other programs


def read_image(source: Path | str | bytes, *, name: str = "", limits: Limits | None = None) -> NDArray[np.uint8]:
    """Decodes an image and applies its EXIF orientation.

    Greyscale, palette, CMYK and 16-bit images become 8-bit RGB (16 bits keep their upper byte); alpha is dropped. Of
    several pictures in a file it is the first one.

    Args:
        source: A path, or the encoded bytes.
        name: What error messages call bytes that came from somewhere, e.g. a URL.
        limits: For pictures that anybody may send.

    Returns:
        uint8, [H, W, 3], RGB, in memory of its own.

    Raises:
        DatasetError: The file is missing, truncated, no image, PostScript, or beyond the limits; or its pixels have no
            natural 8-bit form.
    """
    where = name or ("bytes" if isinstance(source, bytes) else str(source))
    formats = None if limits is None else limits.formats
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=formats) as image:
            if image.format == "EPS":  # whatever the file's name says
                raise OSError("it is a PostScript drawing, which Pillow would hand to another program")
            if limits is not None and image.width * image.height > limits.pixels:
                raise _too_large(image, limits, where)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)  # a copy of a large picture takes much memory
            return np.array(_to_rgb(image, where))
    except FileNotFoundError as error:
        raise DatasetError("The image does not exist.", where=where, fix="Check the path.") from error
    except _DECODE_ERRORS as error:
        raise DatasetError(
            f"The image cannot be decoded: {_reason(error)}.",
            where=where,
            fix="Replace the file, or remove it from the data.",
        ) from error


def _too_large(image: Image.Image, limits: Limits, where: str) -> DatasetError:
    return DatasetError(
        f"The image has {image.width} x {image.height} pixels; at most {limits.pixels / 1e6:g} million are taken.",
        where=where,
        fix="Make it smaller.",
    )


def _to_rgb(image: Image.Image, where: str) -> Image.Image:
    if image.mode == "F":
        raise DatasetError(
            "The image has floating-point pixels, whose range is not known.",
            where=where,
            fix="Save it with 8 or 16 bits per channel.",
        )
    if image.mode.startswith("I"):  # 16 bits, whatever the byte order; Pillow's own conversion would clip at 255
        wide = np.asarray(image.convert("I"))
        image = Image.fromarray((wide.clip(0, 0xFFFF) >> 8).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no image of a known kind"  # Pillow's own words hold the place of the bytes in memory
    if isinstance(error, Image.DecompressionBombError):
        return "it claims to have more pixels than any image is read with"
    return str(error).rstrip(".")
