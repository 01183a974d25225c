"""The dataset directory that ingest makes, as later stages read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparseinst.data.index.index import Index
from sparseinst.data.index.opening import open_index
from sparseinst.data.loading.image_files import open_images
from sparseinst.errors import DatasetError


def open_annotations(root: Path, split: str) -> Index:
    """The annotations of a split. They were checked when the directory was made, and are not checked again.

    Raises:
        DatasetError: The file is missing, is no JSON, or is not what ingest writes.
    """
    path = annotations_path(root, split)
    if not path.is_file():
        raise DatasetError(
            f"There are no annotations of a split '{split}'.",
            where=str(path),
            fix="Make the dataset directory with 'sparseinst ingest'.",
        )
    return open_index(path)


def annotations_path(root: Path, split: str) -> Path:
    return root / "annotations" / f"{split}.json"


def validation_images(root: Path, most: int) -> list[Path]:
    """The first `most` validation images that show at least one object, as local files.

    Raises:
        DatasetError: The annotations cannot be read.
        StorageError: The images were left in a bucket, and cannot be fetched.
    """
    index = open_annotations(root, "val")
    rows = np.flatnonzero(index.column("count"))[:most]
    images = open_images(root)
    return [images.local(index.image(int(row)).file_name) for row in rows]
