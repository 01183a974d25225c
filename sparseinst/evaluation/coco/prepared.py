"""Truth and results as both engines take them: RLE masks, areas, and ids of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pycocotools import mask as coco_mask

from sparseinst.masks.coco import segmentation_to_rle


@dataclass(frozen=True, slots=True)
class Prepared:
    """Two COCO data sets about the same images.

    Attributes:
        images, categories: As in the annotation file.
        truth: Its annotations with `id` from 1 on (pycocotools would take an object with the id 0 for unmatched), in
            the file's order.
        found: COCO results with `id` from 1 on, in the order in which they were given.
    """

    images: list[Mapping[str, Any]]
    categories: Sequence[Mapping[str, Any]]
    truth: list[dict[str, Any]]
    found: list[dict[str, Any]]

    @property
    def image_ids(self) -> list[int]:
        """Ascending."""
        return sorted({int(image["id"]) for image in self.images})

    @property
    def category_ids(self) -> list[int]:
        """Ascending."""
        return sorted({int(category["id"]) for category in self.categories})


def in_parts(prepared: Prepared, size: int) -> Iterator[Prepared]:
    """The same in parts of so many images, ascending by id; at least one part."""
    part_of = {image_id: place // size for place, image_id in enumerate(prepared.image_ids)}
    count = max(part_of.values(), default=0) + 1
    parts = [Prepared([], prepared.categories, [], []) for _ in range(count)]
    for image in prepared.images:
        parts[part_of[image["id"]]].images.append(image)
    for entry in prepared.truth:
        parts[part_of[entry["image_id"]]].truth.append(entry)
    for entry in prepared.found:
        parts[part_of[entry["image_id"]]].found.append(entry)
    yield from parts


def prepare(annotations: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Prepared:
    """Makes both ready.

    Args:
        annotations: A COCO object that passed `load_coco`: images (all that were looked at, also those without
            objects), categories and annotations. A missing area is the mask's; a missing iscrowd is 0.
        results: COCO results with image_id, category_id, score and segmentation (RLE, compressed or as counts). Those
            of other categories are left out: nothing counts them. Where all have a bbox, its area takes the place of
            the mask's, as pycocotools' `loadRes` has it; that decides for detections that found nothing whether they
            are small, medium or large.
    """
    boxed = has_boxes(results)
    sizes = {image["id"]: (image["height"], image["width"]) for image in annotations["images"]}
    known = {category["id"] for category in annotations["categories"]}
    truth = [_object(annotation, number, sizes) for number, annotation in enumerate(annotations["annotations"], 1)]
    found = [
        {
            "id": number,
            "image_id": result["image_id"],
            "category_id": result["category_id"],
            "score": result["score"],
            "segmentation": segmentation_to_rle(result["segmentation"], *sizes[result["image_id"]]),
            **({"bbox": result["bbox"]} if boxed else {}),
        }
        for number, result in enumerate(results, 1)
        if result["category_id"] in known
    ]
    return Prepared(annotations["images"], annotations["categories"], truth, found)


def has_boxes(results: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all results have a box, and so areas are the boxes'."""
    return bool(results) and all(result.get("bbox") for result in results)


def _object(annotation: Mapping[str, Any], number: int, sizes: Mapping[int, tuple[int, int]]) -> dict[str, Any]:
    rle = segmentation_to_rle(annotation["segmentation"], *sizes[annotation["image_id"]])
    area = annotation["area"] if "area" in annotation else float(coco_mask.area(rle))
    crowd = int(annotation.get("iscrowd", 0))
    return {
        "id": number,
        "image_id": annotation["image_id"],
        "category_id": annotation["category_id"],
        "segmentation": rle,
        "area": area,
        "iscrowd": crowd,
    }
