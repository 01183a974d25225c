"""The dataset directory that ingest makes, as later stages read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sparseinst.errors import DatasetError


def read_annotations(root: Path, split: str) -> dict[str, Any]:
    """The COCO object of a split. It was checked when the directory was made, and is not checked again.

    Raises:
        DatasetError: The file is missing or no JSON.
    """
    path = annotations_path(root, split)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"The annotations cannot be read ({error}).",
            where=str(path),
            fix="Make the dataset directory with 'sparseinst ingest'.",
        ) from error
    return content


def annotations_path(root: Path, split: str) -> Path:
    return root / "annotations" / f"{split}.json"


def validation_images(root: Path, most: int) -> list[Path]:
    """The first `most` validation images that show at least one object.

    Raises:
        DatasetError: The annotations cannot be read.
    """
    content = read_annotations(root, "val")
    shown = {annotation["image_id"] for annotation in content["annotations"]}
    files = [root / "images" / image["file_name"] for image in content["images"] if image["id"] in shown]
    return files[:most]
