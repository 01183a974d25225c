"""Which images the gallery shows: as many classes as possible, then images from nearly empty to crowded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.categories import Category
from sparseinst.data.report.table import SplitTable

_FOR_CLASSES = 0.7  # of a split's pictures; the rest shows how full images are


def choose_pictures(
    splits: Sequence[SplitTable], categories: Sequence[Category], most: int = 24
) -> list[tuple[int, int]]:
    """(split, row of the image) of at most `most` images, the same ones every time.

    Splits get equal parts; what a small one cannot use goes to the others. A class that one split shows is not
    looked for in the next.
    """
    shown = np.zeros(len(categories), np.bool_)
    chosen = []
    for index, share in enumerate(_shares([split.images for split in splits], most)):
        chosen += [(index, row) for row in _from_split(splits[index], shown, share)]
    return chosen


def _shares(images: Sequence[int], most: int) -> list[int]:
    """How many pictures come from each split."""
    shares = [0] * len(images)
    while sum(shares) < min(most, sum(images)):
        open_splits = [index for index, count in enumerate(images) if shares[index] < count]
        shares[min(open_splits, key=lambda index: (shares[index], index))] += 1
    return shares


def _from_split(split: SplitTable, shown: NDArray[np.bool_], count: int) -> list[int]:
    """Rows of `count` images; notes the classes they show in `shown`."""
    objects = split.objects_per_image()
    classes = len(shown)
    pairs = np.unique(split.image[~split.crowd] * classes + split.category[~split.crowd])
    image, category = pairs // max(1, classes), pairs % max(1, classes)
    rows: list[int] = []
    while len(rows) < round(count * _FOR_CLASSES):
        new = np.bincount(image[~shown[category]], minlength=split.images)
        if not new.any():
            break
        # Many new classes in few objects: a picture that one can still look at.
        row = int(np.argmax(new / np.sqrt(1 + objects)))
        rows.append(row)
        shown[category[image == row]] = True
    return rows + _from_full_to_empty(objects, rows, count - len(rows))


def _from_full_to_empty(objects: NDArray[np.int64], taken: Sequence[int], count: int) -> list[int]:
    """Rows at even distances in the order of their number of objects, the fullest first."""
    if count <= 0:
        return []
    order = np.argsort(-objects, kind="stable")
    free = order[~np.isin(order, taken)]
    places = np.linspace(0, len(free) - 1, count).round().astype(int)
    return [int(free[place]) for place in places]
