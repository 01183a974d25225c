"""One way to ask any form of a model what it sees: a checkpoint, an exported file, or a running server."""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.closing import Closing
from sparseinst.data.categories import Category
from sparseinst.errors import ConfigError, EvaluationError
from sparseinst.evaluation.instances import Instances
from sparseinst.imaging.resize import resize_image, target_size

LARGEST_BATCH = 8  # images of one size that a model gets at a time

_METADATA_KEYS = ("model", "categories", "short_side", "longest_side", "mask_threshold")


class Predictor(Closing, ABC):
    """A model that finds objects in images. To be used in a `with` block, or closed.

    Attributes:
        metadata: What the model says about itself; see `describe` of the export.
        categories: In the order of the class index.
        device: What it runs on, in words.
        concurrency: How many images it looks at at a time; more would only wait.
    """

    device = "CPU"
    concurrency = 1

    def __init__(self, metadata: Mapping[str, Any], where: str) -> None:
        missing = [key for key in _METADATA_KEYS if key not in metadata]
        if missing:
            raise EvaluationError(
                f"The model does not say its {', '.join(missing)}.", where=where, fix="Export it with this project."
            )
        self.metadata = dict(metadata)
        self.categories = [Category(int(entry["id"]), str(entry["name"])) for entry in metadata["categories"]]

    def predict(self, images: Sequence[NDArray[np.uint8]]) -> list[Instances]:
        """Finds the objects in each image, in the images' order.

        Images are resized by the model's own rule. Only images of one size share a batch, because padding one to
        the size of another would change its answer.

        Args:
            images: uint8, [H, W, 3] RGB each, of any sizes.
        """
        resized = [resize_image(image, *self._target_size(image)) for image in images]
        found: dict[int, Instances] = {}
        for group in _same_size(resized):
            batch = np.stack([resized[index] for index in group]).transpose(0, 3, 1, 2)
            sizes = [(images[index].shape[0], images[index].shape[1]) for index in group]
            found.update(zip(group, self._infer(np.ascontiguousarray(batch), sizes), strict=True))
        return [found[index] for index in range(len(images))]

    def look(
        self, image: NDArray[np.uint8], turn: AbstractContextManager[object], min_score: float
    ) -> tuple[Instances, Sequence[Category]]:
        """Finds the objects in one image; several threads may ask at a time.

        Args:
            image: uint8, [H, W, 3] RGB.
            turn: Held while the model is busy with the image.
            min_score: Less certain objects are of no use.

        Returns:
            The objects, and the categories of the model that found them.
        """
        with turn:
            return self.predict([image])[0].above(min_score), self.categories

    @abstractmethod
    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        """The objects in a batch (uint8, [B, 3, H, W]) with masks of the original (height, width) sizes."""

    def _target_size(self, image: NDArray[np.uint8]) -> tuple[int, int]:
        height, width = image.shape[:2]
        return target_size(height, width, int(self.metadata["short_side"]), int(self.metadata["longest_side"]))


def open_predictor(model: str, *, concurrency: int = 4, compact: bool = False) -> Predictor:
    """The predictor for a model.

    Args:
        model: The path of a checkpoint or of an exported TorchScript file or program (.pt2), or
            grpc://host:port/model[/version] (grpcs:// for TLS).
        concurrency: How many images `look` shows to a served model at a time; any other looks at one at a time.
        compact: Whether a served model's masks come as small crops to `look`.

    Raises:
        SparseInstError: There is no such model, or it is none of this project's.
    """
    if "://" in model:
        from sparseinst.evaluation.predictors.triton import TritonPredictor

        return TritonPredictor(model, concurrency=concurrency, compact=compact)
    if Path(model).suffix == ".pt2" and Path(model).is_file():
        from sparseinst.evaluation.predictors.exported import ExportedPredictor
        from sparseinst.export.torch_export import load_program

        return ExportedPredictor(Path(model), load_program)
    if _is_torchscript(Path(model)):
        from sparseinst.evaluation.predictors.exported import ExportedPredictor
        from sparseinst.export.torchscript import load_script

        return ExportedPredictor(Path(model), load_script)
    from sparseinst.evaluation.predictors.eager import EagerPredictor

    return EagerPredictor.open(Path(model))


def _is_torchscript(path: Path) -> bool:
    """Whether a model file holds a program, not only weights. Both kinds are zip archives."""
    if not path.exists():
        raise ConfigError(
            "There is no such model.",
            where=str(path),
            fix="Name a checkpoint (.pt), an exported model.pt, or grpc://host:port/model.",
        )
    if path.is_dir():
        raise ConfigError(
            "The model is a directory.",
            where=str(path),
            fix="Name the file in it: checkpoint.pt or <version>/model.pt.",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile as error:
        raise EvaluationError(
            "The file is neither a checkpoint nor an exported model.",
            where=str(path),
            fix="Name what 'sparseinst train' or 'sparseinst export' wrote.",
        ) from error
    except OSError as error:
        raise ConfigError(f"The model cannot be read ({error.strerror}).", where=str(path)) from error


def _same_size(images: Sequence[NDArray[np.uint8]]) -> list[list[int]]:
    """The images' indices in groups of one size, at most `LARGEST_BATCH` each."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(image.shape, []).append(index)
    return [
        group[start : start + LARGEST_BATCH]
        for group in groups.values()
        for start in range(0, len(group), LARGEST_BATCH)
    ]
