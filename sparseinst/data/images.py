"""Image files of a dataset directory, without its annotations' details."""

from __future__ import annotations

import json
from pathlib import Path

from sparseinst.errors import DatasetError


def validation_images(root: Path, most: int) -> list[Path]:
    """The first `most` validation images that show at least one object.

    Raises:
        DatasetError: The annotations cannot be read.
    """
    path = root / "annotations" / "val.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"The annotations cannot be read ({error}).",
            where=str(path),
            fix="Make the dataset directory with 'sparseinst ingest'.",
        ) from error
    shown = {annotation["image_id"] for annotation in content["annotations"]}
    files = [root / "images" / image["file_name"] for image in content["images"] if image["id"] in shown]
    return files[:most]
