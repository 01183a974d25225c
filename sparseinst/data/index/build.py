"""Builds an index from an annotation file of any size. In memory are the tables' rows, never all segmentations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sparseinst.data.categories import load_categories
from sparseinst.data.coco_file.reading import CocoFile, open_coco
from sparseinst.data.index.format import (
    ANNOTATION,
    ANNOTATIONS,
    HEADER,
    IMAGE,
    IMAGES,
    NAMES,
    VERSION,
    WORDS,
    Header,
)
from sparseinst.data.index.rows import Lookup, annotation_rows, image_rows, ranges, word_counts
from sparseinst.errors import DatasetError
from sparseinst.files import write_json
from sparseinst.progress import progress

_SORTED_AT_A_TIME = 50_000  # annotations

Rows = npt.NDArray[np.void]


def build_index(source: Path, folder: Path) -> None:
    """Writes the files of an index into an empty folder.

    Raises:
        DatasetError: The file is missing or no JSON, or holds something that COCO files do not.
        OSError: The folder cannot be written.
    """
    coco = open_coco(source)
    stat = source.stat()
    unsorted = folder / "unsorted"
    with _understood(source):
        categories = load_categories({"categories": coco.categories()})
        images, names = _read_images(coco)
        category_ids = np.array([category.id for category in categories], np.int64)
        with unsorted.open("wb") as file:
            rows = _read_annotations(coco, images, category_ids, file)
    order = np.argsort(rows["image"], kind="stable")
    rows = rows[order]
    _write_words(rows, unsorted, folder / WORDS)
    unsorted.unlink()
    _count(images, rows)
    np.save(folder / IMAGES, images)
    np.save(folder / NAMES, names)
    np.save(folder / ANNOTATIONS, rows)
    header = Header(VERSION, stat.st_size, stat.st_mtime_ns, len(images), len(rows), tuple(categories))
    write_json(folder / HEADER, header.to_json())


@contextmanager
def _understood(source: Path) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise _no_coco(source, f"an entry has no {error}") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _no_coco(source, str(error)) from error


def _no_coco(source: Path, problem: str) -> DatasetError:
    return DatasetError(
        f"The annotations are not what a COCO file holds: {problem}.",
        where=str(source),
        fix="`sparseinst check FILE` lists all that is wrong; mend it, and ingest the data again.",
    )


def _read_images(coco: CocoFile) -> tuple[Rows, npt.NDArray[np.uint8]]:
    rows, names, name_end = [np.zeros(0, IMAGE)], bytearray(), 0
    for entries in coco.images():
        more, text = image_rows(entries, name_end)
        rows.append(more)
        names += text
        name_end += len(text)
    return np.concatenate(rows), np.frombuffer(names, np.uint8)


def _read_annotations(coco: CocoFile, images: Rows, category_ids: npt.NDArray[np.int64], file: BinaryIO) -> Rows:
    """Rows in the file's order; their words go to `file`, in the same order."""
    image_of, category_of = Lookup(images["id"], "images"), Lookup(category_ids, "categories")
    sizes = np.stack([images["height"], images["width"]], axis=1).astype(np.int64)
    rows, words = [np.zeros(0, ANNOTATION)], 0
    with progress("data", "indexing annotations", None) as advance:
        for entries in coco.annotations():
            more = annotation_rows(entries, image_of, category_of, sizes)
            more.rows["word"] += words
            words += len(more.words)
            rows.append(more.rows)
            file.write(more.words.tobytes())
            advance(len(entries))
    return np.concatenate(rows)


def _write_words(rows: Rows, unsorted: Path, path: Path) -> None:
    """Copies the segmentations into the order of the rows, and tells the rows where theirs is now."""
    sizes, begins = word_counts(rows), rows["word"].copy()
    rows["word"] = np.cumsum(sizes) - sizes
    total = int(sizes.sum())
    source: Any = np.memmap(unsorted, np.int64, "r") if total else np.zeros(0, np.int64)
    with path.open("wb") as file:
        header = {"descr": "<i8", "fortran_order": False, "shape": (total,)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), _SORTED_AT_A_TIME):
            block = slice(start, start + _SORTED_AT_A_TIME)
            file.write(source[ranges(begins[block], sizes[block])].tobytes())


def _count(images: Rows, rows: Rows) -> None:
    """Sets which annotations are an image's."""
    images["count"] = np.bincount(rows["image"], minlength=len(images))
    images["objects"] = np.bincount(rows["image"][~rows["crowd"]], minlength=len(images))
    images["first"] = np.cumsum(images["count"], dtype=np.int64) - images["count"]
