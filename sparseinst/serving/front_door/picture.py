"""A file that anybody may have sent becomes pixels, within limits."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparseinst.errors import DatasetError
from sparseinst.imaging.read import Limits, read_image

MOST_BYTES = 32 * 2**20
LIMITS = Limits(pixels=50_000_000, formats=("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"))

_KINDS = "JPEG, PNG, WebP, TIFF, GIF or BMP"
# A progressive JPEG can go over all its pixels again every few bytes. Cameras and editors do it about ten times.
_JPEG, _SCAN, _MOST_SCANS = b"\xff\xd8", b"\xff\xda", 50


def read_picture(content: bytes) -> NDArray[np.uint8]:
    """The pixels of a picture's file, upright, as `read_image` gives them.

    Returns:
        uint8, [H, W, 3], RGB.

    Raises:
        DatasetError: It is no picture of these kinds, is damaged, or exceeds a limit. What can be known from the header
            is checked before anything is decoded.
    """
    if not content:
        raise _refused("The picture is empty.", f"Send the bytes of a {_KINDS} file.")
    if len(content) > MOST_BYTES:
        raise _refused(
            f"The picture's file has {len(content) / 2**20:.1f} MiB; at most {MOST_BYTES >> 20} are taken.",
            "Make it smaller, or compress it more.",
        )
    if content.startswith(_JPEG) and content.count(_SCAN) > _MOST_SCANS:
        raise _refused(f"The JPEG has more than {_MOST_SCANS} scans.", "Save it as a baseline JPEG.")
    try:
        return read_image(content, name="picture", limits=LIMITS)
    except DatasetError as error:
        if error.__cause__ is None:
            raise  # it is sound, but not taken; what to do is said
        raise _refused(
            error.problem, f"Send a sound {_KINDS} file of at most {LIMITS.pixels / 1e6:g} million pixels."
        ) from error


def warm_up() -> None:
    """Loads what the first picture would wait for."""
    for kind in LIMITS.formats:
        file = BytesIO()
        Image.new("RGB", (2, 2)).save(file, kind)
        read_picture(file.getvalue())


def _refused(problem: str, fix: str) -> DatasetError:
    return DatasetError(problem, where="picture", fix=fix)
