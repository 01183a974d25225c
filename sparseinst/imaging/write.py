"""Writes pictures: whole or not at all."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparseinst.errors import ConfigError
from sparseinst.files import write_bytes

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
_JPEG_QUALITY = 90


def encode_image(image: NDArray[np.uint8], suffix: str, quality: int = _JPEG_QUALITY) -> bytes:
    """Encodes a uint8 [H, W, 3] RGB image; `suffix` (".jpg", ".jpeg" or ".png") chooses the format.

    `quality` is a JPEG's, from 1 to 95.

    Raises:
        ConfigError: The suffix is another one.
    """
    file_format = _FORMATS.get(suffix.lower())
    if file_format is None:
        raise ConfigError(
            f"There is no picture format for '{suffix}'.", where="the file name", fix="Use .jpg, .jpeg or .png."
        )
    content = BytesIO()
    options = {"quality": quality, "subsampling": 0} if file_format == "JPEG" else {}
    Image.fromarray(image).save(content, file_format, **options)
    return content.getvalue()


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Writes a uint8 [H, W, 3] RGB image in the format that the path's suffix names."""
    write_bytes(path, encode_image(image, path.suffix))
