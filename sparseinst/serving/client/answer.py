"""What a served model found in one image, with what is needed to read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.categories import Category
from sparseinst.errors import SparseInstError
from sparseinst.evaluation.instances import Instances
from sparseinst.serving.client.description import Description


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Answer(Instances):
    """Instances, best first, that know which model found them: a rollout may change it between two answers.

    Attributes:
        model: The model that answered.
    """

    model: Description

    @property
    def categories(self) -> list[Category]:
        """Of the model that answered, in the order of the class index."""
        return self.model.categories

    def take(self, indices: NDArray[np.integer] | slice) -> Answer:
        """Those at the indices, in their order; those of a slice share the masks' memory."""
        return replace(self, scores=self.scores[indices], classes=self.classes[indices], masks=self.masks[indices])

    def results(self, image_id: int) -> list[dict[str, Any]]:
        """COCO results, best first: image_id, category_id, segmentation (compressed RLE) and score."""
        return self.to_coco(image_id, self.categories)


@dataclass(frozen=True, slots=True, eq=False)
class FileAnswer:
    """What came of one picture file: an answer, or why there is none.

    Attributes:
        path: The file.
        found: The objects, with masks of the picture's size; None where the file cannot be read.
        problem: Why it cannot; None where it could.
    """

    path: Path
    found: Answer | None
    problem: SparseInstError | None
