"""Annotations by image, read from an index's tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from sparseinst.data.categories import Category
from sparseinst.data.index.format import (
    ANNOTATION,
    ANNOTATIONS,
    HEADER,
    IMAGE,
    IMAGES,
    NAMES,
    POLYGONS,
    RLE_LIST,
    WORDS,
    Header,
)
from sparseinst.data.index.table import Table
from sparseinst.masks.coco import Rle
from sparseinst.masks.paint import counts_of_rle_bytes

Polygons: TypeAlias = list[npt.NDArray[np.float64]]


class IndexedImage(NamedTuple):
    """An image's entry in the annotation file."""

    id: int
    file_name: str
    height: int
    width: int


class IndexedObject(NamedTuple):
    """An annotation: what its mask is of, and the mask as the file has it, polygons as float64 [2 n]."""

    category: int  # index into the categories
    is_crowd: bool
    segmentation: Polygons | Rle


class Index:
    """An index that is complete on disk. Pickled, it is a path: a worker opens the same tables.

    Raises:
        OSError, ValueError, KeyError, TypeError: The folder holds no sound index of this version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.header = Header.from_json(json.loads((folder / HEADER).read_text(encoding="utf-8")))
        self._images, self._annotations, self._words, self._names = (
            Table(folder / name) for name in (IMAGES, ANNOTATIONS, WORDS, NAMES)
        )
        counts = (self.header.images, self.header.annotations)
        if counts != (self._images.rows, self._annotations.rows):
            raise ValueError(f"{folder} has another number of rows than it says")
        if (self._images.dtype, self._annotations.dtype) != (IMAGE, ANNOTATION):
            raise ValueError(f"{folder} has other columns than it should")

    def __reduce__(self) -> tuple[type[Index], tuple[Path]]:
        return Index, (self.folder,)

    def __len__(self) -> int:
        """How many images there are."""
        return self._images.rows

    @property
    def categories(self) -> list[Category]:
        """Sorted by id: the position is the class index."""
        return list(self.header.categories)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Of all images: "id", "height", "width", "count" of annotations, or "objects", those that are no crowds."""
        return self._images.column(name)

    def image(self, row: int) -> IndexedImage:
        """One image's entry; rows are in the file's order, from 0."""
        before = max(row - 1, 0)
        rows = self._images.read(before, row + 1)
        entry, begin = rows[-1], int(rows[0]["name"]) if row else 0
        name = self._names.read(begin, int(entry["name"])).tobytes().decode("utf-8")
        return IndexedImage(int(entry["id"]), name, int(entry["height"]), int(entry["width"]))

    def objects(self, row: int) -> list[IndexedObject]:
        """All annotations of one image, crowds included, in the file's order."""
        image = self._images.read(row, row + 1)[0]
        first, size = int(image["first"]), [int(image["height"]), int(image["width"])]
        entries = self._annotations.read(first, first + int(image["count"]))
        if not len(entries):
            return []
        begin, end = int(entries[0]["word"]), _end(entries[-1])
        words = self._words.read(begin, end)
        return [
            IndexedObject(category, crowd, _segmentation(words[word - begin :], length, parts, kind, size))
            for _, word, _, length, parts, category, kind, crowd in entries.tolist()
        ]

    def segmentation(self, annotation: int) -> Polygons | Rle:
        """The segmentation of one annotation, counted through all images, equal to the file's."""
        entry = self._annotations.read(annotation, annotation + 1)[0]
        image = self._images.read(int(entry["image"]), int(entry["image"]) + 1)[0]
        words = self._words.read(int(entry["word"]), _end(entry))
        size = [int(image["height"]), int(image["width"])]
        return _segmentation(words, int(entry["length"]), int(entry["parts"]), int(entry["kind"]), size)


def _end(entry: Any) -> int:
    """Behind the last word of an annotation's segmentation."""
    length = int(entry["length"])
    return int(entry["word"]) + (int(entry["parts"]) + length if entry["kind"] == POLYGONS else -(-length // 8))


def _segmentation(words: npt.NDArray[np.int64], length: int, parts: int, kind: int, size: list[int]) -> Polygons | Rle:
    if kind == POLYGONS:
        coordinates = words[parts : parts + length].view(np.float64)
        return np.split(coordinates, np.cumsum(words[: parts - 1])) if parts > 1 else [coordinates][:parts]
    counts = words[: -(-length // 8)].tobytes()[:length]
    if kind == RLE_LIST:
        return {"size": size, "counts": counts_of_rle_bytes([counts])[0].tolist()}
    return {"size": size, "counts": counts.decode("ascii")}
