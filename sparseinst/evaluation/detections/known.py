"""The images and classes that detections may be about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from sparseinst.data.checks.local import is_int
from sparseinst.data.coco_file.reading import CocoFile
from sparseinst.evaluation.truth import Truth


@dataclass(frozen=True, slots=True)
class Known:
    """What an id in a file of detections means.

    Attributes:
        images: From the file's ids to the annotations'.
        categories: Likewise.
        sizes: [height, width] of each image, by the annotations' id.
        pixels: Height times width.
        unknown: The names of those that the file lists and the annotations lack, as ("image" or "category", id).
    """

    images: Mapping[int, int]
    categories: Mapping[int, int]
    sizes: Mapping[int, list[int]]
    pixels: Mapping[int, int]
    unknown: Mapping[tuple[str, int], str]


def known_ids(truth: Truth, coco: CocoFile | None) -> Known:
    """Ids are the annotations' own, apart from those that the file itself lists with names.

    A COCO object lists its images and categories, and may number them as it likes: `sparseinst predict` does. Those are
    found in the annotations by their names; of an image the path's end is enough where only one image has it.
    """
    sizes = {image["id"]: [image["height"], image["width"]] for image in truth.images}
    images: Mapping[int, int] = {image: image for image in sizes}
    categories: Mapping[int, int] = {category.id: category.id for category in truth.categories}
    unknown: dict[tuple[str, int], str] = {}
    if coco is not None:
        listed = dict(_named(coco, "images", "file_name"))
        if listed:
            images = _same(listed, {image["id"]: image["file_name"] for image in truth.images}, _end)
            unknown |= {("image", number): name for number, name in listed.items() if number not in images}
        listed = dict(_named(coco, "categories", "name"))
        if listed:
            categories = _same(listed, {category.id: category.name for category in truth.categories}, str)
            unknown |= {("category", number): name for number, name in listed.items() if number not in categories}
    pixels = {image: height * width for image, (height, width) in sizes.items()}
    return Known(images, categories, sizes, pixels, unknown)


def _named(coco: CocoFile, key: str, name: str) -> Iterator[tuple[int, str]]:
    entries: Sequence[Any] = [entry for piece in coco.pieces(key) for entry in coco.parse(piece)]
    for entry in entries:
        if isinstance(entry, dict) and is_int(entry.get("id")) and isinstance(entry.get(name), str):
            yield entry["id"], entry[name]


def _same(listed: Mapping[int, str], there: Mapping[int, str], end: Callable[[str], str]) -> dict[int, int]:
    """From ids to ids of the same name. Else the name's end decides: that of the same id, or the only one such."""
    by_name = {name: number for number, name in there.items()}
    ends = Counter(map(end, there.values()))
    by_end = {end(name): number for number, name in there.items() if ends[end(name)] == 1}
    found = {}
    for number, name in listed.items():
        if number in there and (there[number] == name or (name not in by_name and end(there[number]) == end(name))):
            found[number] = number
        elif name in by_name:
            found[number] = by_name[name]
        elif end(name) in by_end:
            found[number] = by_end[end(name)]
    return found


def _end(path: str) -> str:
    return PurePath(path.replace("\\", "/")).name
