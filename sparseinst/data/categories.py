"""Categories of a COCO file. Their ids may have gaps; a model's class index is the position in the sorted list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Category:
    """One class of objects: the id that the annotation file uses, and the name that people read."""

    id: int
    name: str


def load_categories(annotations: Mapping[str, Any]) -> list[Category]:
    """The categories of a COCO object, sorted by id: the position in the list is the class index.

    Args:
        annotations: The content of a COCO file that passed `sparseinst.data.coco.load_coco`.
    """
    found = [Category(int(entry["id"]), str(entry["name"])) for entry in annotations["categories"]]
    return sorted(found, key=lambda category: category.id)
