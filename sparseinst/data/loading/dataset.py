"""The training images of a dataset directory, as examples that can be made in any order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from sparseinst.data.categories import Category
from sparseinst.data.config import InputConfig
from sparseinst.data.directory import annotations_path, open_annotations
from sparseinst.data.loading.example import Example
from sparseinst.data.loading.image_files import open_images
from sparseinst.data.loading.transforms import augment
from sparseinst.errors import DatasetError
from sparseinst.imaging.decode import decode_image


@dataclass(frozen=True, slots=True)
class Key:
    """Names one draw: which image, and the seed, position and batch that decide how it is changed."""

    image: int
    seed: int
    position: int  # in the endless sequence
    batch: int


class TrainingImages(Dataset[Example]):
    """The images of a split that show at least one object. Crowd regions are left out: they are no single objects.

    In memory are two numbers for each image. What an example needs beyond is read when it is made, so a worker
    process costs little, however many annotations there are.

    Raises:
        DatasetError: The annotations cannot be read, or no image has an object.
    """

    def __init__(self, root: Path, config: InputConfig, split: str = "train") -> None:
        self.root = root
        self.config = config
        self._index = open_annotations(root, split)
        self._files = open_images(root, cache_gb=config.cache_gb)
        self.categories: list[Category] = self._index.categories
        objects = self._index.column("objects")
        self._rows = np.flatnonzero(objects).astype(np.int32)
        if not len(self._rows):
            raise DatasetError(
                "No image has an object to learn from.",
                where=str(annotations_path(root, split)),
                fix="Annotate objects (crowd regions alone do not count).",
            )
        self._most_objects = int(objects.max())
        self._tall = (self._index.column("height") > self._index.column("width"))[self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def tall(self) -> npt.NDArray[np.bool_]:
        """Of each image, whether it is higher than wide."""
        return self._tall

    @property
    def most_objects(self) -> int:
        """Objects in the fullest image."""
        return self._most_objects

    def __getitem__(self, key: Key) -> Example:
        row = int(self._rows[key.image])
        entry = self._index.image(row)
        where = self._files.where(entry.file_name)
        pixels = decode_image(self._files.read(entry.file_name), name=where)
        objects = [(found.category, found.segmentation) for found in self._index.objects(row) if not found.is_crowd]
        random = np.random.default_rng((key.seed, key.position))
        scales = random if self.config.scale_per == "image" else np.random.default_rng((key.seed, key.batch, 1))
        short = int(scales.choice(self.config.train_short_sides))
        try:
            image, target = augment(pixels, objects, short, self.config, random)
        except ValueError as error:
            fix = "`sparseinst check` lists all that is wrong; mend it, and ingest the data again."
            raise DatasetError(f"The objects of an image cannot be drawn: {error}.", where=where, fix=fix) from error
        return Example(image, target, entry.id)
