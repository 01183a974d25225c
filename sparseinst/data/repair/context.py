"""What the repair of an annotation has to know of the rest of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sparseinst.data.checks.local import MOST_ID, is_int
from sparseinst.data.checks.tables import AnnotationTable, Ids, ImageTable
from sparseinst.data.repair.edits import Found


class Measured(NamedTuple):
    """What was drawn: the mask's pixels, and their box x, y, width, height."""

    area: int
    box: list[int]


@dataclass(frozen=True, slots=True)
class References:
    """Ids after the repairs of images and categories.

    Attributes:
        images: The known ids.
        categories: Likewise.
        moved: Images that are joined with another one: its id by theirs.
        merged: Likewise classes.
    """

    images: frozenset[int]
    categories: frozenset[int]
    moved: Mapping[int, int]
    merged: Mapping[int, int]


class Context:
    """The file around the annotations."""

    def __init__(
        self,
        images: ImageTable,
        annotations: AnnotationTable,
        references: References,
        found: Mapping[int, Found],
        first_new_id: int,
    ) -> None:
        """`found` is what is to be repaired, by the annotation's number; new ids are given in the file's order."""
        self.references = references
        self._images, self._rows = images, Ids(images.ids)
        self._annotations = annotations
        without_id = sorted(number for number, places in found.items() if needs_new_id(places))
        fits = first_new_id + len(without_id) <= MOST_ID
        self.new_ids = {number: first_new_id + place for place, number in enumerate(without_id)} if fits else {}
        twins = sorted(number for number, places in found.items() if "ANN-TWICE" in places)
        self._mixed = _crowds_and_objects(annotations, twins)

    def size(self, image_id: Any) -> tuple[int, int] | None:
        """The image's height and width, where they are known."""
        if not (is_int(image_id) and -MOST_ID <= image_id <= MOST_ID):
            return None
        row = int(self._rows.rows(np.array([image_id], np.int64))[0])
        size = (int(self._images.heights[row]), int(self._images.widths[row])) if row >= 0 else (0, 0)
        return size if size != (0, 0) else None

    def measured(self, number: int) -> Measured | None:
        """Of the annotation with this number, where its mask could be drawn."""
        row = self._row(number)
        if row < 0:
            return None
        return Measured(int(self._annotations.areas[row]), self._annotations.boxes[row].tolist())

    def is_plainly_twice(self, number: int) -> bool:
        """Whether an annotation that is there twice is not an object in one and a crowd region in another place."""
        return self._row(number) not in self._mixed

    def _row(self, number: int) -> int:
        numbers = self._annotations.numbers
        row = int(np.searchsorted(numbers, number))
        return row if row < len(numbers) and numbers[row] == number else -1


def needs_new_id(found: Found) -> bool:
    """Whether an annotation's id is missing, taken, zero or too large."""
    return any("/id" in found.get(code, ()) for code in ("ID-MISSING", "ID-RANGE", "ID-TWICE", "ANN-ID-ZERO"))


def _crowds_and_objects(table: AnnotationTable, numbers: list[int]) -> set[int]:
    """The rows of those annotations whose mask is a crowd region and an object of the same class and image."""
    rows = np.searchsorted(table.numbers, numbers) if numbers else np.zeros(0, np.int64)
    alike = np.flatnonzero(np.isin(table.masks, table.masks[rows]))
    crowds: dict[tuple[int, ...], set[bool]] = {}
    for row in alike.tolist():
        crowds.setdefault(_key(table, row), set()).add(bool(table.crowds[row]))
    return {row for row in rows.tolist() if len(crowds[_key(table, row)]) > 1}


def _key(table: AnnotationTable, row: int) -> tuple[int, ...]:
    return int(table.images[row]), int(table.categories[row]), int(table.masks[row]), int(table.areas[row])
