"""What becomes of every image and annotation: which split, which class, which id and which file name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sparseinst.data.categories import Category
from sparseinst.data.coco_file.reading import open_coco
from sparseinst.data.ingest.gather import AnnotationFile
from sparseinst.data.shaping.table import Everything, Shaped
from sparseinst.data.sources.layout import SPLITS, plain_path

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What becomes of one annotation file's rows.

    Attributes:
        file: The file.
        splits: Place in SPLITS of each image, -1 where it is left out; int8 [I].
        image_ids: New ids, int64 [I].
        names: New `file_name` of each image.
        categories: Place in the new categories of each annotation, -1 where it is left out; int64 [A].
        annotation_ids: New ids, int64 [A].
    """

    file: AnnotationFile
    splits: npt.NDArray[np.int8]
    image_ids: Ints
    names: Sequence[str]
    categories: Ints
    annotation_ids: Ints


def everything(files: Sequence[AnnotationFile], categories: Sequence[Category], field: str) -> Everything:
    """All images and annotations in one table. `field` is what of an image entry groups images, empty for none."""
    places = {category.id: place for place, category in enumerate(categories)}
    first_image = np.cumsum([0, *(len(file.checked.images.ids) for file in files)])
    tables = [file.checked.annotations for file in files]
    images = [file.checked.images for file in files]
    own = [np.array([places[category.id] for category in file.checked.categories], np.int64) for file in files]
    split_of = {"train": 0, "val": 1, "all": -1}
    splits = [np.full(len(t.ids), split_of[f.split], np.int8) for t, f in zip(images, files, strict=True)]
    return Everything(
        categories=categories,
        split=np.concatenate(splits),
        names=[name for table in images for name in table.names],
        groups=[value for file in files for value in _values(file, field)] if field else None,
        heights=np.concatenate([table.heights for table in images]),
        widths=np.concatenate([table.widths for table in images]),
        image=np.concatenate([table.images + first for table, first in zip(tables, first_image, strict=False)]),
        category=np.concatenate([place[table.categories] for table, place in zip(tables, own, strict=True)]),
        crowd=np.concatenate([table.crowds for table in tables]),
        area=np.concatenate([table.areas for table in tables]),
        box=np.concatenate([table.boxes for table in tables]),
    )


def _values(file: AnnotationFile, field: str) -> list[str]:
    return [str(entry.get(field, "")) for entries in open_coco(file.path).images() for entry in entries]


def make_plans(files: Sequence[AnnotationFile], shaped: Shaped, *, keep_names: bool) -> list[FilePlan]:
    """Divides the shaped table among the files it came from, and gives names and ids that are unique in a split.

    Args:
        keep_names: Whether images keep their names in the source, as those do that stay in a bucket.
    """
    image_edges = np.cumsum([0, *(len(file.checked.images.ids) for file in files)])
    annotation_edges = np.cumsum([0, *(len(file.checked.annotations) for file in files)])
    image_ids = _unique_ids([file.checked.images.ids for file in files], shaped.split)
    image_rows = [t.checked.annotations.images + first for t, first in zip(files, image_edges, strict=False)]
    split_of_annotation = np.where(shaped.category >= 0, shaped.split[np.concatenate(image_rows)], -1)
    annotation_ids = _unique_ids([file.checked.annotations.ids for file in files], split_of_annotation)
    names = _names(files, shaped.split, keep_names)
    return [
        FilePlan(
            file,
            shaped.split[image_edges[n] : image_edges[n + 1]],
            image_ids[image_edges[n] : image_edges[n + 1]],
            names[image_edges[n] : image_edges[n + 1]],
            shaped.category[annotation_edges[n] : annotation_edges[n + 1]],
            annotation_ids[annotation_edges[n] : annotation_edges[n + 1]],
        )
        for n, file in enumerate(files)
    ]


def _unique_ids(ids: Sequence[Ints], splits: npt.NDArray[np.integer]) -> Ints:
    """The ids as they are where no two of a split are the same, else 1, 2, 3, … within each split."""
    joined = np.concatenate(ids)
    for split in range(len(SPLITS)):
        rows = np.flatnonzero(splits == split)
        if len(np.unique(joined[rows])) < len(rows):
            joined[rows] = np.arange(1, len(rows) + 1)
    return joined


def _names(files: Sequence[AnnotationFile], splits: npt.NDArray[np.int8], keep: bool) -> list[str]:
    """Where each image goes, relative to images/: split/name. Two files of one name keep their folders."""
    keys = [key for file in files for key in file.keys]
    if keep:
        return keys
    written = [name for file in files for name in file.checked.images.names]
    names, key_of = [], dict[str, str]()
    for key, name, split in zip(keys, written, splits.tolist(), strict=True):
        folder = SPLITS[split]
        target = f"{folder}/{_without_split(plain_path(name))}"
        if key_of.setdefault(target, key) != key:
            target = f"{folder}/{plain_path(key)}"
            key_of[target] = key
        names.append(target)
    return names


def _without_split(name: str) -> str:
    first, slash, rest = name.partition("/")
    return rest if slash and first in SPLITS else name
