"""Writes the annotation files of a dataset directory, entry by entry, as the plans say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.categories import Category
from sparseinst.data.coco_file.reading import open_coco
from sparseinst.data.coco_file.writing import CocoWriter, write_coco
from sparseinst.data.ingest.plan import FilePlan
from sparseinst.data.sources.layout import SPLITS
from sparseinst.progress import progress

# (number of the file, row of the image) of images whose objects are wanted
Wanted = frozenset[tuple[int, int]]
Objects = dict[tuple[int, int], list[dict[str, Any]]]


def write_annotations(
    folder: Path, plans: Sequence[FilePlan], categories: Sequence[Category], wanted: Wanted
) -> Objects:
    """Writes annotations/{train,val}.json below `folder`.

    Every annotation gets what COCO's evaluation needs and some tools leave out: `iscrowd`, `area` and `bbox`, from
    the mask.

    Returns:
        The annotations, as they are written, of each wanted image.
    """
    objects: Objects = defaultdict(list)
    total = sum(int((plan.categories >= 0).sum()) for plan in plans)
    with progress("ingest", "writing annotations", total) as advance:
        for split, name in enumerate(SPLITS):
            with write_coco(folder / "annotations" / f"{name}.json") as writer:
                writer.others(_others(plans, split))
                numbered = [(n, plan) for n, plan in enumerate(plans) if (plan.splits == split).any()]
                for _, plan in numbered:
                    for images in _images(plan, split):
                        writer.entries("images", images)
                writer.entries("images", [])
                for number, plan in numbered:
                    for annotations in _annotations(plan, split, categories, number, wanted, objects):
                        writer.entries("annotations", annotations)
                        advance(len(annotations))
                writer.entries("annotations", [])
                _write_categories(writer, plans, categories)
    return objects


def _others(plans: Sequence[FilePlan], split: int) -> dict[str, Any]:
    """Info, licenses and the like, from the first file that brings images into the split."""
    for plan in plans:
        if (plan.splits == split).any():
            return open_coco(plan.file.path).others()
    return {}


def _images(plan: FilePlan, split: int) -> Iterator[list[dict[str, Any]]]:
    row = 0
    for entries in open_coco(plan.file.path).images():
        rows = range(row, row + len(entries))
        row += len(entries)
        yield [
            {**entry, "id": int(plan.image_ids[place]), "file_name": plan.names[place]}
            for place, entry in zip(rows, entries, strict=True)
            if plan.splits[place] == split
        ]


def _annotations(
    plan: FilePlan, split: int, categories: Sequence[Category], number: int, wanted: Wanted, objects: Objects
) -> Iterator[list[dict[str, Any]]]:
    table = plan.file.checked.annotations
    kept = (plan.categories >= 0) & (plan.splits[table.images] == split)
    row = 0
    for entries in open_coco(plan.file.path).annotations():
        written = []
        for entry in entries:
            if kept[row]:
                image = int(table.images[row])
                entry["id"] = int(plan.annotation_ids[row])
                entry["image_id"] = int(plan.image_ids[image])
                entry["category_id"] = categories[plan.categories[row]].id
                entry["iscrowd"] = int(table.crowds[row])
                if "area" not in entry:
                    entry["area"] = int(table.areas[row])
                if "bbox" not in entry:
                    entry["bbox"] = table.boxes[row].tolist()
                written.append(entry)
                if (number, image) in wanted:
                    objects[number, image].append(entry)
            row += 1
        yield written


def _write_categories(writer: CocoWriter, plans: Sequence[FilePlan], categories: Sequence[Category]) -> None:
    """The categories with whatever else their entries say, such as the supercategory."""
    entries: dict[int, dict[str, Any]] = {}
    for plan in plans:
        for entry in open_coco(plan.file.path).categories():
            entries.setdefault(entry["id"], entry)
    by_name = {entry["name"]: entry for entry in entries.values()}
    written = [
        {**(by_name.get(category.name) or entries.get(category.id) or {}), "id": category.id, "name": category.name}
        for category in categories
    ]
    writer.entries("categories", written)
