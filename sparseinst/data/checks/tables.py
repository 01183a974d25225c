"""What a check learns of a file on its way, in columns: millions of annotations fit into some hundred megabytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Ids:
    """Finds the row that an id stands in; where an id comes twice, the first."""

    def __init__(self, ids: Ints) -> None:
        self.ids = ids
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]

    def rows(self, wanted: Ints) -> Ints:
        """The row of each wanted id, -1 where there is none; int64 of the same shape."""
        if not len(self.ids):
            return np.full(wanted.shape, -1, np.int64)
        place = np.searchsorted(self._sorted, wanted).clip(max=len(self.ids) - 1)
        return np.where(self._sorted[place] == wanted, self._order[place], -1)

    def repeated(self) -> list[tuple[int, int]]:
        """Pairs of rows (later, first) that share an id, in the order of the later."""
        same = np.flatnonzero(self._sorted[1:] == self._sorted[:-1]) + 1
        pairs = [(int(self._order[place]), int(self._first(place))) for place in same]
        return sorted(pairs)

    def _first(self, place: np.int64) -> np.int64:
        return self._order[np.searchsorted(self._sorted, self._sorted[place])]


@dataclass(frozen=True, slots=True)
class ImageTable:
    """The images of a file whose id is right, in its order.

    Attributes:
        numbers: Place in the file's list, int64 [I]; the n of the pointer /images/n.
        ids: int64 [I].
        heights: Pixels, int64 [I]; 0 where the file does not say it.
        widths: Likewise.
        names: `file_name` of each; empty where it is none.
    """

    numbers: Ints
    ids: Ints
    heights: Ints
    widths: Ints
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class AnnotationTable:
    """The sound annotations of a file, in its order.

    Attributes:
        numbers: Place in the file's list, int64 [A].
        ids: int64 [A].
        images: Row in the ImageTable, int64 [A].
        categories: Place in the list of categories sorted by id, int64 [A].
        crowds: bool [A].
        areas: Pixels of the mask, int64 [A].
        boxes: x, y, width, height of those pixels, int64 [A, 4]; zeros for a mask without a pixel.
        masks: A hash of the pixels, int64 [A]: equal masks have equal hashes.
    """

    numbers: Ints
    ids: Ints
    images: Ints
    categories: Ints
    crowds: npt.NDArray[np.bool_]
    areas: Ints
    boxes: Ints
    masks: Ints

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """The rows of several tables, one after the other; at least one."""
        return cls(*(np.concatenate([getattr(table, column.name) for table in tables]) for column in fields(cls)))

    def __len__(self) -> int:
        return len(self.ids)
