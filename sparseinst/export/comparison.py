"""When two answers for one image count as equal. Needs no torch: exports and served models are both judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparseinst.evaluation.instances import Instances

SCORE_TOLERANCE = 1e-4
MASK_TOLERANCE = 1e-3  # share of the image's pixels


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two answers of one model may be apart that were computed in other ways.

    Attributes:
        score: Of a score.
        probability: Of a mask's probability in a cell of its grid.
        mask: Share of the image's pixels, of those that the probabilities settle.
    """

    score: float
    probability: float
    mask: float


# By the format of the convolutions: some three times the worst that was measured, see docs/export.md.
TOLERANCES = {
    "float32": Tolerance(score=1e-4, probability=1e-3, mask=1e-4),
    "float16": Tolerance(score=5e-3, probability=0.03, mask=1e-3),
    "bfloat16": Tolerance(score=0.01, probability=0.15, mask=1e-3),
}


def tolerance_of(metadata: Mapping[str, Any], *, on_gpu: bool = False) -> Tolerance:
    """What is tolerated of an exported model, by its metadata.

    On a GPU float32 convolutions are computed in TF32, whose fractions have the 10 bits of float16.
    """
    dtype = str(metadata.get("dtype", "float32"))
    return TOLERANCES["float16" if on_gpu and dtype == "float32" else dtype]


@dataclass(frozen=True, slots=True)
class Limits:
    """When two answers of one program count as equal.

    Attributes:
        score: Of a score.
        mask: Share of the image's pixels.
        faint: Instances of no higher score may be missing in one of the answers.
    """

    score: float = SCORE_TOLERANCE
    mask: float = MASK_TOLERANCE
    faint: float = 0.0

    @classmethod
    def on_gpu(cls, metadata: Mapping[str, Any]) -> Limits:
        """For a program that answers on a GPU what it answered on a CPU before: convolutions are rounded otherwise.

        Where the score threshold lies between both, one of them lacks an instance, and edges move within a cell.
        """
        return cls(score=tolerance_of(metadata, on_gpu=True).score, mask=0.01, faint=0.05)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two answers for one image are apart.

    Attributes:
        instances: Larger number of instances of the two.
        unmatched: Instances that have no counterpart of the same class and score in the other answer.
        score: Largest difference of scores.
        mask: Largest share of pixels that differ, over the pairs of masks.
        limits: What is tolerated.
    """

    instances: int
    unmatched: int
    score: float
    mask: float
    limits: Limits = Limits()

    @property
    def is_within_tolerance(self) -> bool:
        return self.unmatched == 0 and self.score <= self.limits.score and self.mask <= self.limits.mask


def compare(reference: Instances, other: Instances, limits: Limits | None = None) -> Difference:
    """Pairs each instance with the one most like it among those of its class whose score is within tolerance.

    Instances of equal score may stand in either order, so the place in the list says nothing.
    """
    limits = limits or Limits()
    taken: set[int] = set()
    score, mask, unmatched = 0.0, 0.0, 0
    for index in range(len(reference)):
        gaps = np.abs(other.scores - reference.scores[index])
        alike = np.flatnonzero((other.classes == reference.classes[index]) & (gaps <= limits.score))
        shares = {j: float((other.masks[j] != reference.masks[index]).mean()) for j in alike.tolist() if j not in taken}
        if not shares:
            unmatched += int(reference.scores[index] > limits.faint)
            continue
        partner = min(shares, key=lambda j: shares[j] / limits.mask + gaps[j] / limits.score)
        taken.add(partner)
        score, mask = max(score, float(gaps[partner])), max(mask, shares[partner])
    left = [index for index in range(len(other)) if index not in taken]
    unmatched = max(unmatched, int((other.scores[left] > limits.faint).sum()))
    return Difference(max(len(reference), len(other)), unmatched, score, mask, limits)
