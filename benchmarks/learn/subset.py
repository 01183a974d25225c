"""A COCO source of the first few images of another one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sparseinst.files import write_json


def write_first_images(source: Path, count: int, target: Path) -> list[int]:
    """Copies the training images with the lowest ids among those that have an object; crowd regions are no objects.

    The choice is no choice: nothing of an image is looked at but its id. The same images become the val split, so that
    evaluations during training show what is learned by heart. `sparseinst ingest` warns of that (IMG-LEAK).

    Args:
        source: A folder with one file annotations/*train*.json, and the images anywhere below it.
        count: How many.
        target: Gets annotations/train.json, annotations/val.json and images/.

    Returns:
        The ids.

    Raises:
        SystemExit: There is no such file, or an image is missing.
    """
    content = _training_annotations(source)
    found = {annotation["image_id"] for annotation in content["annotations"] if not annotation.get("iscrowd")}
    ids = sorted(image["id"] for image in content["images"] if image["id"] in found)[:count]
    part = _only(content, ids)
    for image in part["images"]:
        destination = target / "images" / image["file_name"]
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_image(source, image["file_name"]), destination)
    for split in ("train", "val"):
        write_json(target / "annotations" / f"{split}.json", part)
    return ids


def _training_annotations(source: Path) -> dict[str, Any]:
    files = sorted((source / "annotations").glob("*train*.json"))
    if len(files) != 1:
        raise SystemExit(f"{source}: {len(files)} files are called annotations/*train*.json, one is needed")
    content: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8"))
    return content


def _only(content: Mapping[str, Any], ids: Iterable[int]) -> dict[str, Any]:
    """The same annotations for these images alone; all categories stay."""
    wanted = set(ids)
    return {
        "images": [image for image in content["images"] if image["id"] in wanted],
        "annotations": [found for found in content["annotations"] if found["image_id"] in wanted],
        "categories": content["categories"],
    }


def _image(source: Path, file_name: str) -> Path:
    files = [path for path in sorted(source.rglob(Path(file_name).name)) if path.is_file()]
    if not files:
        raise SystemExit(f"{source}: there is no image {file_name}")
    return files[0]
