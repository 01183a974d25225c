"""Shows images to a model, batch after batch, and keeps what it finds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.loading.image_files import ImageFiles
from sparseinst.errors import DatasetError
from sparseinst.evaluation.class_match import ClassMatch
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.evaluation.selection import Selection
from sparseinst.evaluation.truth import Truth
from sparseinst.imaging.read import read_image


@dataclass(slots=True)
class Seen:
    """What looking at images gave. Masks are kept as RLE only.

    Attributes:
        results: COCO results, those of an image one after the other, best first.
        seconds: By stage.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("read", "predict", "encode"), 0.0))


def in_order(truth: Truth) -> list[dict[str, Any]]:
    """The images, those of one size one after the other, so that one size fills a batch."""
    return sorted(truth.images, key=lambda image: (image["height"], image["width"]))


@dataclass(frozen=True, slots=True)
class Looker:
    """A model in front of the images of a split.

    Attributes:
        predictor: The model.
        truth: The split.
        files: Its images.
        match: The model's classes in terms of the split's.
        selection: Which of the found objects count.
    """

    predictor: Predictor
    truth: Truth
    files: ImageFiles
    match: ClassMatch
    selection: Selection

    def look(self, images: Sequence[dict[str, Any]], seen: Seen) -> None:
        """Adds what the model finds in some images.

        Raises:
            DatasetError: An image cannot be read, or is not of the size that its annotations say.
        """
        with _timed(seen.seconds, "read"):
            pixels = [read_pixels(self.files, image) for image in images]
        with _timed(seen.seconds, "predict"):
            kept = [self.selection.of(found, self.predictor.categories) for found in self.predictor.predict(pixels)]
            answers = [self.match.translate(found) for found in kept]
        with _timed(seen.seconds, "encode"):
            for image, found in zip(images, answers, strict=True):
                seen.results += found.to_coco(image["id"], self.truth.categories)


def read_pixels(files: ImageFiles, image: Mapping[str, Any]) -> NDArray[np.uint8]:
    """An image of the split, uint8 RGB [height, width, 3].

    Raises:
        DatasetError: It cannot be read, or is not of the size that its annotations say.
    """
    name = image["file_name"]
    pixels = read_image(files.read(name), name=files.where(name))
    if pixels.shape[:2] != (image["height"], image["width"]):
        raise DatasetError(
            f"The image is {pixels.shape[1]}x{pixels.shape[0]} pixels, its annotations say "
            f"{image['width']}x{image['height']}.",
            where=files.where(name),
            fix="Ingest the data again; if a camera turned the image (EXIF), annotate it as it is shown.",
        )
    return pixels


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - begin
