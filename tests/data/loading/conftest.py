"""A small dataset directory with everything in it that loading has to tell apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sparseinst.imaging.write import write_image
from sparseinst.masks.coco import mask_to_rle


@pytest.fixture
def mixed_root(tmp_path: Path) -> Path:
    """A dataset directory: images of two shapes, polygons and holed RLEs, a crowd, an image without objects."""
    random = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(7):
        height, width = (50, 64) if number % 2 else (72, 48)
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        write_image(tmp_path / f"images/train/{number}.{'png' if number % 3 else 'jpg'}", pixels)
        images.append({"id": 5 * number, "file_name": f"train/{number}.{'png' if number % 3 else 'jpg'}"})
        images[-1] |= {"height": height, "width": width}
        ring = np.zeros((height, width), np.uint8)
        ring[5:30, 5:40] = 1
        ring[10:20, 10:20] = 0
        square = [[3.5, 3, 30, 3, 30, 28.25, 3, 28]]
        for shape, is_crowd in ((square, 0), (mask_to_rle(ring), 0), (mask_to_rle(ring), 1))[: number % 4]:
            annotations.append({"id": len(annotations), "image_id": 5 * number, "category_id": 4 + number % 2})
            annotations[-1] |= {"segmentation": shape, "iscrowd": is_crowd}
    categories = [{"id": 5, "name": "b"}, {"id": 4, "name": "a"}]
    (tmp_path / "annotations").mkdir()
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "annotations/train.json").write_text(json.dumps(content))
    return tmp_path
