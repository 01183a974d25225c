"""From entries of an annotation file to rows of an index's tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sparseinst.data.index.format import ANNOTATION, IMAGE, POLYGONS, RLE_LIST, RLE_TEXT
from sparseinst.masks.coco import segmentation_to_rle

Ints = npt.NDArray[np.int64]


class Lookup:
    """From ids to positions, for as many ids as there are images; without a dictionary's memory."""

    def __init__(self, ids: Ints, called: str) -> None:
        self.ids, self.called = ids, called
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]
        again = np.flatnonzero(np.diff(self._sorted) == 0)
        if len(again):
            raise ValueError(f"two {called} have the id {self._sorted[again[0]]}")

    def __call__(self, ids: Ints) -> Ints:
        """The position of each id.

        Raises:
            ValueError: One is not there.
        """
        places = np.searchsorted(self._sorted, ids)
        found = places < len(self._sorted)
        found[found] = self._sorted[places[found]] == ids[found]
        if not found.all():
            raise ValueError(f"there is none of the {self.called} with the id {ids[~found][0]}")
        return self._order[places]


def image_rows(entries: Sequence[dict[str, Any]], name_end: int) -> tuple[npt.NDArray[np.void], bytes]:
    """Rows of images without their annotations, and their names; the name of the image before ends at `name_end`."""
    rows = np.zeros(len(entries), IMAGE)
    for name in ("id", "height", "width"):
        rows[name] = [entry[name] for entry in entries]
    names = [entry["file_name"].encode("utf-8") for entry in entries]
    rows["name"] = name_end + np.cumsum([len(name) for name in names])
    return rows, b"".join(names)


class Annotations(NamedTuple):
    """Annotations in the file's order: rows whose `word` counts from the first of `words`."""

    rows: npt.NDArray[np.void]
    words: Ints


def annotation_rows(entries: Sequence[dict[str, Any]], images: Lookup, categories: Lookup, sizes: Ints) -> Annotations:
    """Rows and words of annotations.

    Args:
        images: From image ids to rows.
        categories: From category ids to positions in the sorted list.
        sizes: Height and width of each image, [images, 2].

    Raises:
        KeyError, TypeError, ValueError, AttributeError: An entry is not what COCO files hold.
    """
    rows = np.zeros(len(entries), ANNOTATION)
    rows["id"] = _ints([entry["id"] for entry in entries])
    rows["image"] = images(_ints([entry["image_id"] for entry in entries]))
    rows["category"] = categories(_ints([entry["category_id"] for entry in entries]))
    rows["crowd"] = [bool(entry.get("iscrowd", 0)) for entry in entries]
    segmentations = [entry["segmentation"] for entry in entries]
    texts = _rle_texts(segmentations, rows, sizes)
    parts = [part for segmentation in segmentations if type(segmentation) is list for part in segmentation]
    rows["parts"] = [len(segmentation) if type(segmentation) is list else 0 for segmentation in segmentations]
    lengths = _ints([len(part) for part in parts])
    if len(lengths) and (lengths.min() < 6 or (lengths % 2).any()):
        raise ValueError("a polygon has no 3 points")
    _lay_out(rows, lengths, texts)
    return Annotations(rows, _words(rows, parts, lengths, texts))


def _rle_texts(segmentations: Sequence[Any], rows: npt.NDArray[np.void], sizes: Ints) -> dict[int, bytes]:
    """The compressed counts of those that are RLE, and their kinds into `rows`."""
    texts = {}
    for number, segmentation in enumerate(segmentations):
        if type(segmentation) is list:
            continue
        height, width = sizes[rows["image"][number]].tolist()
        counts, size = segmentation["counts"], segmentation["size"]
        if list(size) != [height, width]:
            raise ValueError(f"an RLE has the size {size}, its image is {width}x{height} pixels")
        is_text = isinstance(counts, str)
        rows["kind"][number] = RLE_TEXT if is_text else RLE_LIST
        texts[number] = (
            counts.encode("ascii") if is_text else segmentation_to_rle(segmentation, height, width)["counts"]
        )
    return texts


def _lay_out(rows: npt.NDArray[np.void], part_lengths: Ints, texts: dict[int, bytes]) -> None:
    """Sets where each segmentation begins, and its length, one behind the other."""
    ends = np.concatenate([[0], np.cumsum(part_lengths)])
    last_part = np.cumsum(rows["parts"], dtype=np.int64)
    rows["length"] = ends[last_part] - ends[last_part - rows["parts"]]
    for number, text in texts.items():
        rows["length"][number] = len(text)
    sizes = word_counts(rows)
    rows["word"] = np.cumsum(sizes) - sizes


def word_counts(rows: npt.NDArray[np.void]) -> Ints:
    """How many words each segmentation takes."""
    length = rows["length"].astype(np.int64)
    return np.where(rows["kind"] == POLYGONS, rows["parts"] + length, -(-length // 8))


def _words(rows: npt.NDArray[np.void], parts: list[list[float]], lengths: Ints, texts: dict[int, bytes]) -> Ints:
    words = np.zeros(int(word_counts(rows).sum()), np.int64)
    words[ranges(rows["word"], rows["parts"])] = lengths
    coordinates = np.fromiter(chain.from_iterable(parts), np.float64, int(lengths.sum()))
    if not np.isfinite(coordinates).all():
        raise ValueError("a polygon has a coordinate that is no number")
    is_polygon = rows["kind"] == POLYGONS
    begins = rows["word"][is_polygon] + rows["parts"][is_polygon]
    words.view(np.float64)[ranges(begins, rows["length"][is_polygon])] = coordinates
    for number, text in texts.items():
        begin = 8 * int(rows["word"][number])
        words.view(np.uint8)[begin : begin + len(text)] = np.frombuffer(text, np.uint8)
    return words


def ranges(begins: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> Ints:
    """The numbers begin, begin + 1, … of each of several ranges, one range behind the other."""
    lengths = lengths.astype(np.int64)
    ends = np.cumsum(lengths)
    return np.arange(int(lengths.sum())) + np.repeat(begins - (ends - lengths), lengths)


def _ints(values: list[Any]) -> Ints:
    found = np.array(values, np.int64) if values else np.zeros(0, np.int64)
    if any(type(value) is not int for value in values):
        raise TypeError("an id is not a whole number")
    return found
