"""Finds the objects in single pictures, as COCO-style JSON and as overlays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparseinst.errors import DatasetError
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.evaluation.selection import Selection
from sparseinst.files import write_json
from sparseinst.imaging.overlay import draw
from sparseinst.imaging.read import read_image
from sparseinst.imaging.write import write_image
from sparseinst.masks.coco import mask_to_outlines

PREDICTIONS = "predictions.json"


def predict(
    predictor: Predictor,
    paths: Sequence[Path],
    selection: Selection,
    *,
    output: Path | None = None,
    polygons: bool = False,
) -> dict[str, Any]:
    """Looks at the pictures one after the other.

    Args:
        selection: Which of the found objects are kept.
        polygons: Segmentations are the masks' outlines, which fill holes, instead of RLE.
        output: Where predictions.json and one overlay picture (.jpg) per image go; None writes nothing.

    Returns:
        A COCO object: "images" (id from 1, file_name, height, width, and overlay where one was drawn),
        "annotations" (id, image_id, category_id, segmentation, area in pixels, bbox, score, best first in each
        image) and "categories".

    Raises:
        ConfigError: The selection names a class that the model does not know.
        DatasetError: Files are missing (all are named), or one is no image.
    """
    selection.check(predictor.categories)
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(paths)} images are not there.", where=", ".join(missing), fix="Check the paths."
        )
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, path in enumerate(paths, 1):
        pixels = read_image(path)
        found = selection.of(predictor.predict([pixels])[0], predictor.categories)
        image = {"id": number, "file_name": str(path), "height": pixels.shape[0], "width": pixels.shape[1]}
        if output is not None:
            picture = output / _unused(path.stem, {Path(entry["overlay"]).stem for entry in images})
            write_image(picture, draw(pixels, found, predictor.categories))
            image["overlay"] = str(picture)
        images.append(image)
        areas, boxes = found.masks.sum(axis=(1, 2)).tolist(), found.boxes().tolist()
        for place, entry in enumerate(found.to_coco(number, predictor.categories)):
            if polygons:
                entry["segmentation"] = mask_to_outlines(found.masks[place])
            measures = {"area": areas[place], "bbox": boxes[place]}
            annotations.append({"id": len(annotations) + 1, **measures, "iscrowd": 0, **entry})
    categories = [{"id": category.id, "name": category.name} for category in predictor.categories]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    if output is not None:
        write_json(output / PREDICTIONS, coco)
    return coco


def _unused(stem: str, used: set[str]) -> str:
    """`stem`.jpg, or with a number where two images have one name."""
    name, number = stem, 2
    while name in used:
        name, number = f"{stem}-{number}", number + 1
    return f"{name}.jpg"
