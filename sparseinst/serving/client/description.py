"""What a served model says about itself, and what follows from it for images on their way there and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.categories import Category
from sparseinst.errors import ConfigError, EvaluationError
from sparseinst.evaluation.instances import Instances
from sparseinst.export.contract import LEAST_MAX_PIXELS, NO_INSTANCE, fingerprint, round_up
from sparseinst.export.decode import decode_reply
from sparseinst.imaging.resize import resize_image, target_size

_NEEDED = ("categories", "short_side", "longest_side", "mask_threshold")


@dataclass(frozen=True)
class Description:
    """One model. Two exports of equal metadata are the same model to a client."""

    metadata: Mapping[str, Any]

    def require_whole(self, where: str) -> None:
        """Raises an EvaluationError where the metadata lacks what a client needs."""
        missing = [key for key in _NEEDED if key not in self.metadata]
        if missing:
            raise EvaluationError(
                f"The model does not say its {', '.join(missing)}.", where=where, fix="Export it with this project."
            )

    @cached_property
    def fingerprint(self) -> bytes:
        """What its answers carry."""
        return fingerprint(self.metadata)

    @cached_property
    def categories(self) -> list[Category]:
        """In the order of the class index."""
        return [Category(int(entry["id"]), str(entry["name"])) for entry in self.metadata["categories"]]

    @property
    def max_pixels(self) -> int:
        """The largest image that the model takes."""
        return int(self.metadata.get("max_pixels", LEAST_MAX_PIXELS))

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) at which the model wants to see an image of a size."""
        return target_size(height, width, int(self.metadata["short_side"]), int(self.metadata["longest_side"]))

    def resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A batch of one, uint8 [1, 3, h, w], of an image uint8 [H, W, 3]."""
        resized = resize_image(image, *self.size_for(image.shape[0], image.shape[1]))
        return np.ascontiguousarray(resized.transpose(2, 0, 1))[None]

    def require_small_enough(self, height: int, width: int, where: str) -> None:
        """Raises a ConfigError for an image, as it would be sent, that the model refuses."""
        if round_up(height) * round_up(width) > self.max_pixels:
            raise ConfigError(
                f"The image has {width} x {height} pixels, the model takes at most {self.max_pixels} with padding.",
                where=where,
                fix=f"Resize it as the model was trained: the shorter side to {self.metadata['short_side']} pixels.",
            )

    def decode(
        self, reply: Mapping[str, NDArray[Any]], sent: tuple[int, int], original: tuple[int, int], min_score: float
    ) -> Instances:
        """The objects in the one image of a reply with at least a score; see `decode_reply`."""
        # Before the masks are made: they are what takes time and memory.
        kept = np.where(reply["scores"] >= np.float32(min_score), reply["classes"], NO_INSTANCE)
        threshold = float(self.metadata["mask_threshold"])
        (found,) = decode_reply({**reply, "classes": kept}, sent=sent, originals=[original], mask_threshold=threshold)
        return found
