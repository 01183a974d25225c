"""Small evaluations drawn at random: a truth, and detections that are right, nearly right and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sparseinst.masks.coco import mask_to_counts, mask_to_polygons, mask_to_rle, segmentation_to_mask

Coco = dict[str, Any]
Result = dict[str, Any]
Mask = NDArray[np.bool_]

_ODD_AREAS = (0.0, 1023.9, 1024.0, 9216.0, 5000.5, 1e5)  # on the borders of small, medium and large, and wrong ones
_SCORES = (0.1, 0.5, 0.5, 0.9)  # most are tied
_CATEGORY_IDS = (0, 3, 90, 7)


def drawn_truth(random: np.random.Generator, images: int = 4, classes: int = 3, objects: int = 5) -> Coco:
    """A COCO object with crowds, odd areas, `ignore` keys and all forms of masks.

    Args:
        random: Draws everything.
        images: How many there are; their ids have gaps, and 0 is as likely as others.
        classes: At most 4; some have no object.
        objects: At most so many in an image; some images have none.
    """
    height, width = (int(side) for side in random.integers(20, 130, 2))
    ids = random.permutation(3 * images + 1)[:images].tolist()
    annotations: list[dict[str, Any]] = []
    for image in ids:
        for _ in range(int(random.integers(0, objects + 1))):
            mask = drawn_mask(random, height, width)
            annotation = {
                "id": len(annotations),  # from 0, which COCO's own program would take for no match
                "image_id": image,
                "category_id": _CATEGORY_IDS[int(random.integers(max(classes - 1, 1)))],
                "iscrowd": int(random.random() < 0.2),
                "area": float(mask.sum()) if random.random() < 0.7 else float(random.choice(_ODD_AREAS)),
                "segmentation": written(random, mask),
                "bbox": [0, 0, 1, 1],
            }
            annotations.append({**annotation, "ignore": 1} if random.random() < 0.1 else annotation)
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg", "height": height, "width": width} for i in ids],
        "categories": [{"id": number, "name": f"class {number}"} for number in _CATEGORY_IDS[:classes]],
        "annotations": annotations,
    }


def drawn_mask(random: np.random.Generator, height: int, width: int) -> Mask:
    """A rectangle or an ellipse somewhere in the image, with at least a pixel."""
    high, wide = int(random.integers(1, height + 1)), int(random.integers(1, width + 1))
    top, left = int(random.integers(0, height - high + 1)), int(random.integers(0, width - wide + 1))
    mask = np.zeros((height, width), np.bool_)
    if random.random() < 0.5:
        mask[top : top + high, left : left + wide] = True
        return mask
    rows, columns = np.mgrid[:height, :width] + 0.5
    inside = ((rows - top - high / 2) / high) ** 2 + ((columns - left - wide / 2) / wide) ** 2 <= 0.25
    inside[top + high // 2, left + wide // 2] = True
    return inside


def written(random: np.random.Generator, mask: Mask) -> Any:
    """The mask in one of COCO's forms."""
    forms = [mask_to_rle(mask), mask_to_counts(mask), mask_to_polygons(mask)]
    return forms[int(random.integers(3))] or forms[0]


def drawn_results(coco: Coco, random: np.random.Generator, share: float = 0.8, false: int = 3) -> list[Result]:
    """Detections of a truth of any origin, in no order.

    Args:
        coco: The truth.
        random: Draws everything.
        share: So many of the objects (crowds as well) are found, shifted, grown, shrunk or as they are.
        false: At most so many detections of nothing in an image.
    """
    sizes = {image["id"]: (image["height"], image["width"]) for image in coco["images"]}
    categories = [category["id"] for category in coco["categories"]]
    results: list[Result] = []
    for annotation in coco["annotations"]:
        mask = segmentation_to_mask(annotation["segmentation"], *sizes[annotation["image_id"]]) > 0
        while random.random() < share and len(results) < 10_000:
            moved = _moved(random, mask)
            is_right = random.random() < 0.85
            category = annotation["category_id"] if is_right else int(random.choice(categories))
            results.append(_result(random, annotation["image_id"], category, moved))
            if random.random() < 0.6:
                break
    for image, (height, width) in sizes.items():
        for _ in range(int(random.integers(0, false + 1)) if categories else 0):
            nothing = drawn_mask(random, height, width) if random.random() < 0.9 else np.zeros((height, width), bool)
            results.append(_result(random, image, int(random.choice(categories)), nothing))
    return shuffled(results, random)


def shuffled(entries: Sequence[Any], random: np.random.Generator) -> list[Any]:
    return [entries[place] for place in random.permutation(len(entries)).tolist()]


def _moved(random: np.random.Generator, mask: Mask) -> Mask:
    kind = int(random.integers(4))
    if kind == 0:
        return mask
    if kind == 1:
        return np.roll(mask, tuple(random.integers(-4, 5, 2).tolist()), (0, 1))
    kernel = np.ones((3, 3), np.uint8)
    change = cv2.dilate if kind == 2 else cv2.erode
    return change(mask.astype(np.uint8), kernel, iterations=int(random.integers(1, 4))) > 0


def _result(random: np.random.Generator, image: int, category: int, mask: Mask) -> Result:
    score = float(random.choice(_SCORES)) if random.random() < 0.6 else float(random.random())
    segmentation = mask_to_rle(mask) if random.random() < 0.7 else mask_to_counts(mask)
    return {"image_id": image, "category_id": category, "score": score, "segmentation": segmentation}
