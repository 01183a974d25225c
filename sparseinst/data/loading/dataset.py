"""The training images of a dataset directory, as examples that can be made in any order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from sparseinst.data.categories import Category, load_categories
from sparseinst.data.config import InputConfig
from sparseinst.data.directory import annotations_path, read_annotations
from sparseinst.data.loading.example import Example
from sparseinst.data.loading.transforms import augment
from sparseinst.errors import DatasetError
from sparseinst.imaging.read import read_image
from sparseinst.masks.coco import Segmentation


@dataclass(frozen=True, slots=True)
class Key:
    """Names one draw: which image, and the seed, position and batch that decide how it is changed."""

    image: int
    seed: int
    position: int  # in the endless sequence
    batch: int


@dataclass(frozen=True, slots=True)
class _Record:
    file: str
    image_id: int
    is_tall: bool
    objects: tuple[tuple[int, Segmentation], ...]


class TrainingImages(Dataset[Example]):
    """The images of a split that show at least one object. Crowd regions are left out: they are no single objects.

    Raises:
        DatasetError: The annotations cannot be read, or no image has an object.
    """

    def __init__(self, root: Path, config: InputConfig, split: str = "train") -> None:
        self.root = root
        self.config = config
        coco = read_annotations(root, split)
        self.categories: list[Category] = load_categories(coco)
        index_of = {category.id: index for index, category in enumerate(self.categories)}
        objects: dict[int, list[tuple[int, Segmentation]]] = defaultdict(list)
        for annotation in coco["annotations"]:
            if not annotation.get("iscrowd", 0):
                objects[annotation["image_id"]].append(
                    (index_of[annotation["category_id"]], annotation["segmentation"])
                )
        self._records = [
            _Record(image["file_name"], image["id"], image["height"] > image["width"], tuple(objects[image["id"]]))
            for image in coco["images"]
            if objects[image["id"]]
        ]
        if not self._records:
            raise DatasetError(
                "No image has an object to learn from.",
                where=str(annotations_path(root, split)),
                fix="Annotate objects (crowd regions alone do not count).",
            )

    def __len__(self) -> int:
        return len(self._records)

    @property
    def tall(self) -> npt.NDArray[np.bool_]:
        """Of each image, whether it is higher than wide."""
        return np.array([record.is_tall for record in self._records], np.bool_)

    @property
    def most_objects(self) -> int:
        """Objects in the fullest image."""
        return max(len(record.objects) for record in self._records)

    def __getitem__(self, key: Key) -> Example:
        record = self._records[key.image]
        image = read_image(self.root / "images" / record.file)
        random = np.random.default_rng((key.seed, key.position))
        scales = random if self.config.scale_per == "image" else np.random.default_rng((key.seed, key.batch, 1))
        short = int(scales.choice(self.config.train_short_sides))
        augmented, target = augment(image, record.objects, short, self.config, random)
        pixels = torch.from_numpy(np.ascontiguousarray(augmented.transpose(2, 0, 1)))
        return Example(pixels, target, record.image_id)
