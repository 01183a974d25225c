"""JPEGs inside a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import NamedTuple

from PIL import Image


class Embedded(NamedTuple):
    """An image's `src`, and its size in pixels, so that the page does not jump while it is decoded."""

    source: str
    width: int
    height: int


def embedded(jpeg: bytes) -> Embedded:
    """A JPEG as the attributes of an <img>.

    Raises:
        OSError: It is not an image.
    """
    with Image.open(BytesIO(jpeg)) as image:
        width, height = image.size
    return Embedded("data:image/jpeg;base64," + b64encode(jpeg).decode("ascii"), width, height)
