"""The training images of a dataset directory, as examples that can be made in any order."""

from __future__ import annotations

from collections.abc import Collection
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

_MOST_REPLACED = 10  # images in a row that cannot be read


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
        """The example of a key. An image that cannot be read, even at a second attempt, is replaced by the next one.

        Raises:
            DatasetError: So are the images after it.
            StorageError: The images are in a bucket whose server does not answer.
        """
        replaced: list[str] = []
        while True:
            image = (key.image + len(replaced)) % len(self)
            try:
                return self._example(key, image, tuple(replaced))
            except DatasetError as error:
                replaced.append(f"{error.where}: {error.problem}")
                if len(replaced) == min(_MOST_REPLACED, len(self)):
                    fix = "`sparseinst check` lists all that is wrong; mend it, and ingest the data again."
                    raise DatasetError(
                        "Images one after the other cannot be read.", where=str(self.root), details=replaced, fix=fix
                    ) from error

    def _example(self, key: Key, image: int, replaced: tuple[str, ...]) -> Example:
        row = int(self._rows[image])
        entry = self._index.image(row)
        where = self._files.where(entry.file_name)
        pixels = self._pixels(entry.file_name, where)
        objects = [(found.category, found.segmentation) for found in self._index.objects(row) if not found.is_crowd]
        random = np.random.default_rng((key.seed, key.position))
        scales = random if self.config.scale_per == "image" else np.random.default_rng((key.seed, key.batch, 1))
        short = int(scales.choice(self.config.train_short_sides))
        try:
            pixels_chw, target = augment(pixels, objects, short, self.config, random)
        except ValueError as error:
            fix = "`sparseinst check` lists all that is wrong; mend it, and ingest the data again."
            raise DatasetError(f"The objects of an image cannot be drawn: {error}.", where=where, fix=fix) from error
        return Example(pixels_chw, target, entry.id, replaced)

    def _pixels(self, file_name: str, where: str) -> npt.NDArray[np.uint8]:
        """Read and decoded; a second time where that fails, as a file system across a network may have hiccups."""
        try:
            return decode_image(self._files.read(file_name), name=where)
        except DatasetError:
            return decode_image(self._files.read(file_name), name=where)

    def file_names(self, image_ids: Collection[int]) -> dict[int, str]:
        """Image id to file name, for messages."""
        entries = (self._index.image(int(row)) for row in self._rows)
        return {entry.id: entry.file_name for entry in entries if entry.id in image_ids}
