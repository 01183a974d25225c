"""Whether a candidate finds what the version in service finds: both are asked for the same pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import hotcoco.mask
import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import DeployError
from sparseinst.evaluation.analysis.bins import LEAST_SCORE
from sparseinst.evaluation.class_match import ClassMatch
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.masks.coco import encode_masks

_LEAST_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """Objects with a score of at least 0.3, summed over the pictures.

    Attributes:
        pictures: How many were shown to both.
        same: Objects of the version in service that the candidate finds too: same class name, IoU at least 0.5.
        missed: Those that it does not find.
        added: Objects that only the candidate finds.
    """

    pictures: int = 0
    same: int = 0
    missed: int = 0
    added: int = 0

    @property
    def share(self) -> float | None:
        """Of the objects of the version in service, how many the candidate finds; None where there are none."""
        return self.same / (self.same + self.missed) if self.same + self.missed else None

    def __str__(self) -> str:
        share = "nothing to agree on" if self.share is None else f"agreement {self.share:.1%}"
        return f"{share} over {self.pictures} pictures: {self.same} same, {self.missed} missed, {self.added} added"

    def require(self, least: float | None) -> None:
        """
        Raises:
            DeployError: The share is below `least`, or cannot be told.
        """
        if least is None:
            return
        if self.share is None:
            raise DeployError(
                f"The version in service finds nothing in the {self.pictures} pictures, so nothing can be said of "
                "agreement.",
                where="--shadow",
                fix="Give pictures of what the model was trained for.",
            )
        if self.share < least:
            raise DeployError(
                f"The candidate disagrees with the version in service: {self}; at least {least:.1%} are asked for.",
                where="--min-agreement",
                fix="Look at both with `sparseinst predict`; where the candidate is right, ask for less.",
            )


def compare_answers(candidate: Predictor, incumbent: Predictor, pictures: Iterable[NDArray[np.uint8]]) -> Agreement:
    """Asks both for each picture, uint8 [H, W, 3] RGB.

    Raises:
        DeployError: The candidate's scores are no numbers.
        EvaluationError: They have no class in common.
    """
    classes = ClassMatch(candidate.categories, incumbent.categories, "the candidate and the version in service")
    count = same = missed = added = 0
    for picture in pictures:
        (answer,), (reference,) = candidate.predict([picture]), incumbent.predict([picture])
        if not np.isfinite(answer.scores).all():
            raise DeployError(f"Picture {count} gets NaN or infinite scores.", where="--shadow", fix="Train again.")
        found, expected = classes.translate(answer.above(LEAST_SCORE)), reference.above(LEAST_SCORE)
        hits = matched(found, expected)
        count, same, missed, added = count + 1, same + hits, missed + len(expected) - hits, added + len(found) - hits
    return Agreement(count, same, missed, added)


def matched(found: Instances, expected: Instances) -> int:
    """How many of the expected objects are found: the best-scored takes first, each object is taken once."""
    if not len(found) or not len(expected):
        return 0
    overlaps = hotcoco.mask.iou(encode_masks(found.masks), encode_masks(expected.masks), [0] * len(expected))
    ious = np.where(found.classes[:, None] == expected.classes[None], np.asarray(overlaps, np.float64), 0.0)
    hits = 0
    for index in range(len(found)):
        best = int(ious[index].argmax())
        if ious[index, best] >= _LEAST_IOU:
            hits += 1
            ious[:, best] = 0.0
    return hits
