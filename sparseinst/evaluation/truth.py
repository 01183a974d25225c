"""The annotated images that a model is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparseinst.data.categories import Category, load_categories
from sparseinst.data.coco import load_coco
from sparseinst.data.directory import annotations_path
from sparseinst.data.loading.image_files import POINTER
from sparseinst.errors import DatasetError
from sparseinst.evaluation.instances import Instances
from sparseinst.files import sha256_of_file
from sparseinst.masks.coco import segmentation_to_mask


@dataclass(frozen=True, slots=True)
class Truth:
    """One annotation file.

    Attributes:
        path: The file.
        coco: Its content, as checked by `load_coco`.
        categories: Sorted by id.
        id: The file's SHA-256: two models can be compared when they were measured on the same id.
    """

    path: Path
    coco: dict[str, Any]
    categories: list[Category]
    id: str

    @property
    def images(self) -> list[dict[str, Any]]:
        images: list[dict[str, Any]] = self.coco["images"]
        return images

    def counts(self) -> dict[str, int]:
        """How many images, objects and crowd regions there are; crowd regions are no objects."""
        crowds = sum(bool(annotation.get("iscrowd", 0)) for annotation in self.coco["annotations"])
        objects = len(self.coco["annotations"]) - crowds
        return {"images": len(self.images), "instances": objects, "crowds": crowds}

    def instances(self, image: dict[str, Any]) -> Instances:
        """The objects of one image, largest first, all with the score 1. Crowd regions are left out."""
        index_of = {category.id: index for index, category in enumerate(self.categories)}
        objects = [
            (index_of[a["category_id"]], segmentation_to_mask(a["segmentation"], image["height"], image["width"]))
            for a in self.coco["annotations"]
            if a["image_id"] == image["id"] and not a.get("iscrowd", 0)
        ]
        objects.sort(key=lambda pair: -int(pair[1].sum()))
        masks = np.array([mask for _, mask in objects], np.bool_).reshape(-1, image["height"], image["width"])
        return Instances(np.ones(len(objects), np.float32), np.array([i for i, _ in objects], np.int64), masks)


def load_truth(path: Path, images: Path | None = None, *, are_images_needed: bool = True) -> Truth:
    """Reads an annotation file; with `images`, every image it names is known to be in that folder.

    Args:
        path: The file.
        images: The folder.
        are_images_needed: If not, images need no `file_name`; those without one get a name from their id.

    Raises:
        DatasetError: Something is missing or wrong; all findings are in the message.
    """
    coco = load_coco(path, images, are_images_needed=are_images_needed)
    for image in coco["images"]:
        if not isinstance(image.get("file_name"), str):
            image["file_name"] = f"image {image['id']}"
    return Truth(path, coco, load_categories(coco), sha256_of_file(path))


def load_split(data: Path, split: str) -> Truth:
    """The truth of one split of a dataset directory, whose images are all there, or were left in a bucket.

    Raises:
        DatasetError: There is no such split, it has no images, or something in it is wrong.
    """
    path = annotations_path(data, split)
    if not path.is_file():
        there = sorted(file.stem for file in path.parent.glob("*.json"))
        raise DatasetError(
            f"There is no split '{split}' of a dataset here.",
            where=str(path),
            fix=f"Splits here: {', '.join(there)}." if there else "Make the directory with 'sparseinst ingest'.",
        )
    truth = load_truth(path, None if (data / POINTER).is_file() else data / "images")
    if not truth.images:
        raise DatasetError("The split has no images.", where=str(path), fix="Add annotated images, and ingest again.")
    return truth
