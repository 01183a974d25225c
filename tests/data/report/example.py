"""A small dataset of numbers, with names that try to be more than names."""

from __future__ import annotations

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.data.checks.findings import Finding
from sparseinst.data.report.gallery import Picture, describe, draw_picture
from sparseinst.data.report.table import SplitTable

SCRIPT = "<script>window.taken = 1</script>"
IMAGE = '"><img src=x onerror="window.taken = 2">'
QUOTE = "' onmouseover='window.taken = 3' \" onfocus=\"window.taken = 4"

CLASSES = [Category(1, SCRIPT), Category(2, QUOTE), *(Category(n, f"kind {n}") for n in range(3, 43))]


def table(name="train", sizes=((40, 60),), objects=(), names=None):
    """`sizes` are (height, width); `objects` are (image, category, crowd, box), whose masks fill their boxes."""
    boxes = np.array([box for *_, box in objects], np.float64).reshape(-1, 4)
    return SplitTable(
        name=name,
        heights=np.array([height for height, _ in sizes], np.int64),
        widths=np.array([width for _, width in sizes], np.int64),
        file_names=list(names or (f"{row}.png" for row in range(len(sizes)))),
        image=np.array([image for image, *_ in objects], np.int64),
        category=np.array([category for _, category, *_ in objects], np.int64),
        crowd=np.array([crowd for _, _, crowd, _ in objects], np.bool_),
        area=boxes[:, 2] * boxes[:, 3],
        box=boxes,
    )


def splits():
    """Train has every class but the last; val has the first three."""
    train = [(n % 5, n % 41, n == 90, (n % 30, n % 20, 5 + n % 25, 4 + n % 15)) for n in range(200)]
    val = [(n % 2, n % 3, False, (n, n, 8, 12)) for n in range(9)]
    return [
        table("train", [(48, 64)] * 3 + [(64, 48)] * 2, train, [IMAGE, *(f"some/{n}.jpg" for n in range(4))]),
        table(QUOTE, [(48, 64)] * 2, val),
    ]


def findings():
    return [
        Finding("CAT-GAP", "/categories", "the ids have a gap after 7", "Nothing to do"),
        *(
            Finding("SEG-POLY-SHORT", f"/annotations/{n}/segmentation/0", f"polygon {SCRIPT}", f"Delete {IMAGE}", IMAGE)
            for n in range(30)
        ),
        Finding("IMG-TWICE", "/images/3", "the same picture as /images/1", "Delete one", "/home/me/data/train.json"),
    ]


def pictures(tables):
    image = np.full((48, 64, 3), 90, np.uint8)
    square = [[5.0, 5.0, 30.0, 5.0, 30.0, 30.0, 5.0, 30.0]]
    rows = [(0, 0), (0, 1), (1, 0), (1, 1)]
    drawn = draw_picture(image, [square], [0], CLASSES)
    return [
        Picture(tables[split].name, tables[split].file_names[row], drawn, describe(tables[split], row, CLASSES))
        for split, row in rows
    ]
