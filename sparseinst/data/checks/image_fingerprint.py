"""By what pictures are told apart and found again: their pixels, whatever file they are in."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL_SIDE = 32


class Fingerprint(NamedTuple):
    """What is kept of a picture.

    Attributes:
        content: 16 bytes, the same exactly where size and all pixels are: the start of a SHA-256, which was the
            fastest of hashlib here (twice BLAKE2b's speed, with the CPU's own instructions for it).
        thumbnail: 1024 bytes, a grey picture of 32 x 32: means over equal fields, whatever the picture's size.
    """

    content: bytes
    thumbnail: bytes


def fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """The fingerprint of a decoded and upright picture, uint8 [H, W, 3]."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    grey = Image.fromarray(pixels).convert("L").resize(side, Image.Resampling.BOX)
    return Fingerprint(digest.digest()[:16], grey.tobytes())
