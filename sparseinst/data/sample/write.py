"""Writes the sample set as COCO files: images/{train,val}/NNNNNN.jpg and annotations/{train,val}.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sparseinst.data.sample.scene import Sample, SampleObject, make_image
from sparseinst.data.sample.shapes import CATEGORIES
from sparseinst.files import write_text
from sparseinst.masks import coco

# Train and val are drawn from different seeds for every seed that a user may choose.
_VAL_SEED_OFFSET = 1 << 32
# 2.4 KB an image: the set that comes with the repository must stay small.
_JPEG_OPTIONS = (cv2.IMWRITE_JPEG_QUALITY, 62, cv2.IMWRITE_JPEG_OPTIMIZE, 1)


def write_sample(output: Path, train: int, val: int, seed: int) -> None:
    """Writes a data set of `train` + `val` images into the folder `output`, which may exist.

    The same arguments give the same files, and image N does not depend on how many follow it.
    """
    _write_split(output, "train", train, seed)
    _write_split(output, "val", val, seed + _VAL_SEED_OFFSET)


def encode_jpeg(image: npt.NDArray[np.uint8]) -> bytes:
    """An image, uint8 RGB [H, W, 3] or grey [H, W], as the bytes of a JPEG file."""
    stored = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", stored, _JPEG_OPTIONS)[1]
    return encoded.tobytes()


def annotate(sample: Sample, image_id: int, first_id: int) -> list[dict[str, Any]]:
    """COCO annotation objects of a sample, with ids counted from `first_id`."""
    return [_annotation(found, image_id, annotation_id) for annotation_id, found in enumerate(sample.objects, first_id)]


def _write_split(output: Path, split: str, count: int, seed: int) -> None:
    folder = output / "images" / split
    folder.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(count):
        sample = make_image(seed, index)
        name = f"{index:06d}.jpg"
        (folder / name).write_bytes(encode_jpeg(sample.image))
        height, width = sample.image.shape[:2]
        image_id = index + 1
        images.append({"id": image_id, "file_name": f"{split}/{name}", "height": height, "width": width})
        annotations += annotate(sample, image_id, first_id=len(annotations) + 1)
    content = {
        "info": {"description": f"SparseInst sample set: shapes drawn by code, {split}, seed {seed}"},
        "licenses": [],
        "categories": [{"id": category.id, "name": category.name} for category in CATEGORIES],
        "images": images,
        "annotations": annotations,
    }
    write_text(output / "annotations" / f"{split}.json", json.dumps(content, separators=(",", ":")) + "\n")


def _annotation(found: SampleObject, image_id: int, annotation_id: int) -> dict[str, Any]:
    rows, columns = np.flatnonzero(found.mask.any(1)), np.flatnonzero(found.mask.any(0))
    top, left = int(rows[0]), int(columns[0])
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": found.category_id,
        "segmentation": _segmentation(found),
        "area": int(np.count_nonzero(found.mask)),
        "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
        "iscrowd": int(found.is_crowd),
    }


def _segmentation(found: SampleObject) -> coco.Segmentation:
    """The object's mask in its form; a crowd is always RLE, and so is what polygons cannot say."""
    if found.form == "polygons" and not found.is_crowd:
        return coco.mask_to_segmentation(found.mask)
    return coco.mask_to_counts(found.mask) if found.form == "counts" else coco.mask_to_rle(found.mask)
