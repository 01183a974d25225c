"""Finds the objects in pictures, as COCO-style JSON and as overlays."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparseinst.data.categories import Category
from sparseinst.errors import DatasetError, EvaluationError
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.evaluation.selection import Selection
from sparseinst.files import write_json
from sparseinst.imaging.decode import decode_image
from sparseinst.imaging.files import picture_files
from sparseinst.imaging.overlay import draw
from sparseinst.imaging.write import write_image
from sparseinst.masks.coco import mask_to_outlines
from sparseinst.parallel import in_order
from sparseinst.progress import progress

PREDICTIONS = "predictions.json"


@dataclass(frozen=True, slots=True)
class Predicted:
    """What was found, and what could not be looked at.

    Attributes:
        coco: A COCO object: "images" (id from 1, file_name, height, width, and overlay where one was drawn),
            "annotations" (id, image_id, category_id, segmentation, area in pixels, bbox, score, best first in each
            image) and "categories". Broken pictures are not in it.
        broken: One error for each picture that could not be read, in the pictures' order.
        asked: How many pictures there are.
    """

    coco: dict[str, Any]
    broken: Sequence[DatasetError]
    asked: int

    def require_whole(self) -> None:
        """Raises a DatasetError that names every broken picture, where there are any."""
        if self.broken:
            raise DatasetError(
                f"{len(self.broken)} of {self.asked} pictures could not be read; what was found in the others is kept.",
                where=f"{self.broken[0].where}{', …' if len(self.broken) > 1 else ''}",
                details=[f"{error.where}: {error.problem}" for error in self.broken],
                fix="Replace these files, or leave them out.",
            )


def predict(
    predictor: Predictor,
    paths: Sequence[Path],
    selection: Selection,
    *,
    output: Path | None = None,
    polygons: bool = False,
) -> Predicted:
    """Looks at pictures: while the model is busy with some, others are read, drawn and written in threads beside.

    Args:
        paths: Files, and folders, whose own pictures are meant, by their names.
        selection: Which of the found objects are kept.
        polygons: Segmentations are the masks' outlines, which fill holes, instead of RLE.
        output: Where predictions.json and one overlay picture (.jpg) per image go; None writes nothing. What was
            found is written also when the work is interrupted or the model fails on the way.

    Raises:
        ConfigError: The selection names a class that the model does not know.
        DatasetError: Files are missing (all are named), or a folder holds no pictures. Nothing was done then.
        EvaluationError: Another model was put into service meanwhile, with other categories under the same ids.
        SparseInstError: The model fails.
    """
    selection.check(predictor.categories)
    files = [file for path in paths for file in (picture_files(path) if path.is_dir() else [path])]
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(files)} images are not there.", where=", ".join(missing), fix="Check the paths."
        )
    overlays = None if output is None else [output / f"{name}.jpg" for name in _told_apart(files)]
    looking = _Looking(predictor, selection, files, overlays, polygons)
    try:
        looking.look_at_all()
    finally:
        coco = looking.coco()
        if output is not None and (coco["images"] or not looking.broken):
            write_json(output / PREDICTIONS, coco)
    return Predicted(coco, [looking.broken[number] for number in sorted(looking.broken)], len(files))


@dataclass(frozen=True, slots=True)
class _Seen:
    """One picture, without the ids that it gets when all are done."""

    image: dict[str, Any]
    annotations: list[dict[str, Any]]
    categories: Sequence[Category]


@dataclass(frozen=True, slots=True)
class _Looking:
    predictor: Predictor
    selection: Selection
    files: Sequence[Path]
    overlays: Sequence[Path] | None
    polygons: bool
    seen: dict[int, _Seen] = field(default_factory=dict)  # by the file's place
    broken: dict[int, DatasetError] = field(default_factory=dict)

    def look_at_all(self) -> None:
        turns = threading.BoundedSemaphore(self.predictor.concurrency)
        threads = self.predictor.concurrency + (os.cpu_count() or 1)

        def look(place: int) -> None:
            try:
                self.seen[place] = self._look(place, turns)
            except DatasetError as error:
                self.broken[place] = error

        todo = range(len(self.files))
        # Closed, the predictor lets go of requests under way: an interrupt need not wait for their deadline.
        with (
            progress("predict", "looking at pictures", len(self.files)) as advance,
            in_order(look, todo, threads=threads, stop=self.predictor.close) as done,
        ):
            for _ in done:
                advance()

    def coco(self) -> dict[str, Any]:
        """What was seen so far."""
        seen = [self.seen[place] for place in sorted(self.seen)]
        categories = _agreed([*(one.categories for one in seen), self.predictor.categories])
        annotations = [
            {"id": 0, "image_id": number, **annotation}
            for number, one in enumerate(seen, 1)
            for annotation in one.annotations
        ]
        return {
            "images": [{"id": number, **one.image} for number, one in enumerate(seen, 1)],
            "annotations": [{**annotation, "id": number} for number, annotation in enumerate(annotations, 1)],
            "categories": [{"id": category.id, "name": category.name} for category in categories],
        }

    def _look(self, place: int, turns: threading.BoundedSemaphore) -> _Seen:
        path = self.files[place]
        pixels = decode_image(_content(path), name=str(path))
        least = min([self.selection.min_score, *self.selection.class_scores.values()])
        certain, categories = self.predictor.look(pixels, turns, least)
        found = self.selection.of(certain, categories)
        image: dict[str, Any] = {"file_name": str(path), "height": pixels.shape[0], "width": pixels.shape[1]}
        if self.overlays is not None:
            write_image(self.overlays[place], draw(pixels, found, categories))
            image["overlay"] = str(self.overlays[place])
        areas, boxes = found.masks.sum(axis=(1, 2)).tolist(), found.boxes().tolist()
        annotations = []
        for index, entry in enumerate(found.to_coco(0, categories)):
            del entry["image_id"]
            if self.polygons:
                entry["segmentation"] = mask_to_outlines(found.masks[index])
            annotations.append({"area": areas[index], "bbox": boxes[index], "iscrowd": 0, **entry})
        return _Seen(image, annotations, categories)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"The image cannot be read ({error.strerror}).", where=str(path)) from error


def _agreed(found: Iterable[Sequence[Category]]) -> list[Category]:
    """All categories of the models that answered; usually one model."""
    agreed: dict[int, Category] = {}
    for categories in {tuple(categories): None for categories in found}:
        for category in categories:
            if agreed.setdefault(category.id, category) != category:
                raise EvaluationError(
                    "Another model was put into service meanwhile, whose categories are others.",
                    where=f"category {category.id}: '{agreed[category.id].name}', then '{category.name}'",
                    fix="Begin again; name a version (grpc://host:port/model/version) to hold to it.",
                )
    return sorted(agreed.values(), key=lambda category: category.id)


def _told_apart(files: Sequence[Path]) -> list[str]:
    """A name for each file: its own without the suffix, with a number where two have one name."""
    used: set[str] = set()
    names = []
    for file in files:
        name, number = file.stem, 2
        while name in used:
            name, number = f"{file.stem}-{number}", number + 1
        used.add(name)
        names.append(name)
    return names
