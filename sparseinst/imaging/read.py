"""Reads any picture that a camera or a microscope makes as 8-bit RGB, or says why it cannot."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sparseinst.errors import DatasetError

# What Pillow's decoders raise for damaged files, as found by feeding them damaged files.
_DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError)


def read_image(source: Path | str | bytes, *, name: str = "") -> NDArray[np.uint8]:
    """Decodes an image and applies its EXIF orientation.

    Greyscale, palette, CMYK and 16-bit images become 8-bit RGB (16 bits keep their upper byte); alpha is dropped.

    Args:
        source: A path, or the encoded bytes.
        name: What error messages call bytes that came from somewhere, e.g. a URL.

    Returns:
        uint8, [H, W, 3], RGB, in memory of its own.

    Raises:
        DatasetError: The file is missing, truncated, or no image; or its pixels have no natural 8-bit form.
    """
    where = name or ("bytes" if isinstance(source, bytes) else str(source))
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
            image.load()
            return np.array(_to_rgb(ImageOps.exif_transpose(image), where))
    except FileNotFoundError as error:
        raise DatasetError("The image does not exist.", where=where, fix="Check the path.") from error
    except _DECODE_ERRORS as error:
        # Pillow's own words for it hold the place of the bytes in memory.
        reason = "it is no image of a known kind" if isinstance(error, UnidentifiedImageError) else error
        raise DatasetError(
            f"The image cannot be decoded: {reason}.", where=where, fix="Replace the file, or remove it from the data."
        ) from error


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
    return image.convert("RGB")
