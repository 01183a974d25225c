"""What only a look at all annotations of a file shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from sparseinst.data.categories import Category
from sparseinst.data.checks.annotations import PieceReport
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.local import shorten
from sparseinst.data.checks.tables import AnnotationTable, Ids, ImageTable

_QUERIES = 100  # of the published models: so many objects they can find in an image
_SPECK_PX = 4  # masks of so few pixels may well be equal
_FEW = 10  # masks say nothing about habits


def check_whole(
    reports: Sequence[PieceReport],
    ids: npt.NDArray[np.int64],
    images: ImageTable,
    categories: Sequence[Category],
    table: AnnotationTable,
) -> Iterator[Finding]:
    """Findings across annotations.

    Args:
        reports: Of all pieces.
        ids: Every id that is written and the number of its annotation in the file, int64 [n, 2].
        table: All sound annotations; their numbers count in the whole file.
    """
    total = sum(report.entries for report in reports)
    if not total:
        fix = "Export the data with its annotations"
        yield Finding("ANN-NONE", "/annotations", "there are no annotations", fix)
    for later, first in Ids(ids[:, 0]).repeated():
        problem = f"id {ids[later, 0]} is taken by /annotations/{ids[first, 1]}"
        fix = "Give it an id of its own; `sparseinst repair` does"
        yield Finding("ID-TWICE", f"/annotations/{ids[later, 1]}/id", problem, fix)
    yield from _images_without(reports, images)
    yield from _crowded_images(images, table)
    yield from _classes_without(reports, categories)
    yield from _repeated_masks(categories, table)
    yield from _habits(reports, total)


def _images_without(reports: Sequence[PieceReport], images: ImageTable) -> Iterator[Finding]:
    shown = np.zeros(len(images.ids), np.bool_)
    for report in reports:
        shown[report.shown] = True
    shown[[later for later, _ in Ids(images.ids).repeated()]] = True  # nobody knows which of the two is meant
    for row in np.flatnonzero(~shown).tolist():
        problem = f"{shorten(images.names[row])} has no annotation"
        fix = "Nothing needs to be done, if it shows no object; it is left out of training and counts in evaluation"
        yield Finding("IMG-EMPTY", f"/images/{images.numbers[row]}", problem, fix)


def _crowded_images(images: ImageTable, table: AnnotationTable) -> Iterator[Finding]:
    counts = np.bincount(table.images[~table.crowds], minlength=len(images.ids))
    for row in np.flatnonzero(counts > _QUERIES).tolist():
        problem = f"{shorten(images.names[row])} has {counts[row]} objects"
        fix = f"Set model.num_masks to more than {counts[row]}, and count more detections in evaluation"
        yield Finding("IMG-MANY", f"/images/{images.numbers[row]}", problem, fix)


def _classes_without(reports: Sequence[PieceReport], categories: Sequence[Category]) -> Iterator[Finding]:
    shown = {place for report in reports for place in report.classes.tolist()}
    for place, category in enumerate(categories):
        if place not in shown:
            problem = f"no object is a {shorten(category.name)} (id {category.id})"
            yield Finding("CAT-EMPTY", "/categories", problem, "Annotate some, or drop the class: ingest --drop NAME")


def _repeated_masks(categories: Sequence[Category], table: AnnotationTable) -> Iterator[Finding]:
    """Equal masks in one image. Compared by their hashes, area and box."""
    keys = np.stack([table.images, table.masks, table.areas], axis=1)
    order = np.lexsort(keys.T[::-1])
    same = (keys[order][1:] == keys[order][:-1]).all(1) & (table.areas[order][1:] > _SPECK_PX)
    first_of: dict[int, int] = {}
    pairs = []
    for place in np.flatnonzero(same).tolist():
        before, later = int(order[place]), int(order[place + 1])
        first = first_of.setdefault(later, first_of.get(before, before))
        pairs.append((later, first))
    for later, first in sorted(pairs):
        pointer = f"/annotations/{table.numbers[later]}"
        problem = f"the mask is that of /annotations/{table.numbers[first]}"
        if table.categories[later] == table.categories[first]:
            yield Finding("ANN-TWICE", pointer, f"{problem}, the class too", "Delete one; `sparseinst repair` does")
        else:
            one, other = (categories[table.categories[row]].name for row in (first, later))
            problem += f", but the classes are {shorten(one)} and {shorten(other)}"
            yield Finding("ANN-MASK-TWICE", pointer, problem, "Decide for one class")


def _habits(reports: Sequence[PieceReport], total: int) -> Iterator[Finding]:
    masks = sum(len(report.table) for report in reports)
    rectangles = sum(report.rectangles for report in reports)
    if masks >= _FEW and rectangles > masks / 2:
        problem = f"{rectangles} of {masks} masks are upright rectangles"
        fix = "If boxes were exported as masks, draw outlines: a model learns what it is shown"
        yield Finding("SEG-BOXES", "/annotations", problem, fix)
    normalised = sum(report.normalised for report in reports)
    if normalised > masks / 2:
        problem = f"{normalised} of {masks} masks lie within 0 and 1"
        fix = "Multiply x by the image's width and y by its height"
        yield Finding("SEG-ALL-NORMALISED", "/annotations", problem, fix)
    for code, what, count in (
        ("ANN-AREA-NONE", "area", sum(report.without_area for report in reports)),
        ("ANN-BOX-NONE", "box", sum(report.without_box for report in reports)),
    ):
        if count:
            problem = f"{count} of {total} annotations have no {what}"
            yield Finding(code, "/annotations", problem, "Nothing needs to be done: ingest computes it from the mask")
