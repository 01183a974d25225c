"""Truth and detections that have everything COCO's evaluation treats apart, small and drawn by a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparseinst.masks.coco import mask_to_rle

HEIGHT, WIDTH, CLASSES = 120, 160, 4


def scene(seed: int, images: int = 8) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A COCO object and results: crowds, ties, wrong classes, copies, misses; some images without objects."""
    random = np.random.default_rng(seed)
    truth: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        for _ in range(int(random.integers(0, 6))):
            mask, category = rectangle(random), int(random.integers(1, CLASSES))
            crowd = int(random.random() < 0.2)
            entry = {"image_id": image, "category_id": category, "iscrowd": crowd, "area": float(mask.sum())}
            truth.append({"id": len(truth), **entry, "segmentation": mask_to_rle(mask)})
            for _ in range(int(random.integers(0, 3))):
                moved = np.roll(mask, tuple(random.integers(-5, 6, 2)), (0, 1))
                results.append(result(random, image, category if random.random() < 0.8 else 1, moved))
        for _ in range(int(random.integers(0, 3))):
            results.append(result(random, image, int(random.integers(1, CLASSES + 1)), rectangle(random)))
    coco = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "height": HEIGHT, "width": WIDTH} for n in range(images, 0, -1)],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(1, CLASSES + 1)],
        "annotations": truth,
    }
    return coco, [results[place] for place in random.permutation(len(results))]


def rectangle(random: np.random.Generator) -> Any:
    height, width = random.integers(8, HEIGHT), random.integers(8, WIDTH)
    top, left = random.integers(0, HEIGHT - height), random.integers(0, WIDTH - width)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


def result(random: np.random.Generator, image: int, category: int, mask: Any) -> dict[str, Any]:
    score = float(random.choice([0.2, 0.5, 0.5, 0.8, random.random()]))
    return {"image_id": image, "category_id": category, "score": score, "segmentation": mask_to_rle(mask)}
