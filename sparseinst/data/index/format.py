"""What an index consists of: three tables, a header, and how a segmentation is written in words of 8 bytes.

    header.json        version, the annotation file's size and time of change, counts, categories
    images.npy         a row for each image, in the file's order
    annotations.npy    a row for each annotation: by image, and within an image in the file's order
    words.npy          the segmentations in the order of annotations.npy, so that an image's lie side by side
    names.npy          the images' file names in UTF-8, one behind the other

Polygons are words: for each part the number of its coordinates (int64), then all coordinates (float64). An RLE is its
compressed counts in ASCII, filled up with zero bytes to a whole number of words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from sparseinst.data.categories import Category

VERSION = 1
HEADER, IMAGES, ANNOTATIONS, WORDS, NAMES = "header.json", "images.npy", "annotations.npy", "words.npy", "names.npy"

# How the annotation file writes a segmentation.
POLYGONS, RLE_TEXT, RLE_LIST = 0, 1, 2

IMAGE = np.dtype(
    [
        ("id", "<i8"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("name", "<i8"),  # where its name ends in names.npy; it begins where the one before ends
        ("first", "<i8"),  # its first annotation
        ("count", "<i4"),  # how many annotations it has,
        ("objects", "<i4"),  # and how many of them are no crowds
    ]
)
ANNOTATION = np.dtype(
    [
        ("id", "<i8"),
        ("word", "<i8"),  # where its segmentation begins in words.npy
        ("image", "<i4"),  # row of its image
        ("length", "<i4"),  # coordinates of polygons, bytes of an RLE
        ("parts", "<i4"),  # polygons; 0 for an RLE
        ("category", "<i4"),  # position in the sorted list of categories
        ("kind", "u1"),
        ("crowd", "?"),
    ]
)


@dataclass(frozen=True, slots=True)
class Header:
    """What an index was made from, and how much it holds."""

    version: int
    source_bytes: int
    source_mtime_ns: int
    images: int
    annotations: int
    categories: tuple[Category, ...]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        categories = tuple(Category(entry["id"], entry["name"]) for entry in content["categories"])
        return cls(**{**content, "categories": categories})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def is_of(self, source: Path) -> bool:
        """Whether the file is still what the index was made from, as far as its size and time of change tell."""
        found = source.stat()
        return (VERSION, found.st_size, found.st_mtime_ns) == (self.version, self.source_bytes, self.source_mtime_ns)
