"""What the trained model expects of an answer to an image: how far rounding may move it, worked out case by case.

A plain comparison raises false alarms where the model itself is undecided: two classes nearly tie, a score lies at its
threshold, a mask is flat at its threshold and half of it flips. Here each of these follows from the tolerance alone,
and nothing else is forgiven: every cell of every mask is compared, flat ones too.

Legend: R queries that may be instances, K classes, M instances in an answer, h x w the mask grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from sparseinst.export.comparison import Tolerance
from sparseinst.export.contract import MASK_CODE_SCALE, NO_INSTANCE
from sparseinst.export.decode import decode_reply, mask_codes_to_probabilities
from sparseinst.masks.resample import Frame, resample
from sparseinst.model.config import ModelConfig

_IMPOSSIBLE = 1e6  # the cost of a pair that cannot be
_PREFERRED = 1e3  # what it is worth to find a certain instance, above all differences of masks


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far an answer is from what was expected.

    Attributes:
        instances: Pairs of an expected and an answered instance that were compared.
        undecided: Expected ones that may be missing: their class score lies at the threshold.
        unmatched: Certain instances that the answer lacks, and instances in it that nothing explains.
        score: Largest distance of a score from the range that the cells at the mask threshold leave open.
        probability: Largest difference of a mask's probability in a cell, beyond what 8 bits can tell.
        mask: Largest share of pixels that differ, without those whose probability is too near the threshold to tell.
    """

    instances: int
    undecided: int
    unmatched: int
    score: float
    probability: float
    mask: float

    def is_within(self, tolerance: Tolerance) -> bool:
        return (
            self.unmatched == 0
            and self.score <= tolerance.score
            and self.probability <= tolerance.probability
            and self.mask <= tolerance.mask
        )


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """What one image should give. Arrays by query; `low` and `high` bound the final score, `classes` is [R, K]."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    classes: NDArray[np.bool_]
    is_certain: NDArray[np.bool_]
    grids: NDArray[np.float32]
    frame: Frame
    mask_threshold: float
    tolerance: Tolerance

    @classmethod
    def of(
        cls,
        raw: Mapping[str, Tensor],
        size: tuple[int, int],
        padded: tuple[int, int],
        config: ModelConfig,
        tolerance: Tolerance,
    ) -> Expectation:
        """The expectation from the raw outputs of the eager model in float32 for one image (without a batch).

        Args:
            raw: "pred_logits" [N, K], "pred_scores" [N, 1], "pred_masks" [N, h, w].
            size: Height and width of the image.
            padded: The same with its padding.
            config: Its thresholds are used.
            tolerance: How far scores and probabilities may move.
        """
        scores = torch.sqrt(raw["pred_logits"].double().sigmoid() * raw["pred_scores"].double().sigmoid()).numpy()
        best = scores.max(axis=1)
        rows = np.flatnonzero(best > config.score_threshold - tolerance.score)
        scores, best = scores[rows], best[rows]
        grids = raw["pred_masks"][torch.from_numpy(rows)].float().sigmoid().numpy()
        lowest, highest = _maskness_range(grids, config.mask_threshold, tolerance.probability)
        classes = scores >= best[:, None] - 2 * tolerance.score  # either of two may move
        low, high = np.where(classes, scores, np.inf).min(axis=1) * lowest, best * highest
        is_certain = best > config.score_threshold + tolerance.score
        slots = min(config.num_masks, config.max_detections)
        if len(rows) > slots:  # the last ones that find a place must be clear of the first one that does not
            is_certain &= low > np.sort(high)[-slots - 1] + 2 * tolerance.score
        return cls(low, high, classes, is_certain, grids, Frame(padded, size, size), config.mask_threshold, tolerance)

    def deviation(self, reply: Mapping[str, NDArray[Any]]) -> Deviation:
        """Compares an answer: the contract's outputs for this image by name, without a batch."""
        filled = np.flatnonzero(reply["classes"] != NO_INSTANCE)
        scores, classes = reply["scores"][filled].astype(np.float64), reply["classes"][filled]
        beyond = np.maximum(self.low[:, None] - scores, scores - self.high[:, None]).clip(min=0)  # [R, M]
        possible = self.classes[:, classes] & (beyond <= self.tolerance.score)
        found = mask_codes_to_probabilities(reply["masks"][filled], self.mask_threshold)
        pairs = [(int(r), int(m)) for r, m in zip(*self._assign(found, possible), strict=True) if possible[r, m]]
        missing = int(self.is_certain.sum()) - sum(bool(self.is_certain[r]) for r, _ in pairs)
        return Deviation(
            instances=len(pairs),
            undecided=int((~self.is_certain).sum()),
            unmatched=missing + len(filled) - len(pairs),
            score=max((float(beyond[pair]) for pair in pairs), default=0.0),
            probability=max((self._probability(r, found[m]) for r, m in pairs), default=0.0),
            mask=self._masks(pairs, reply),
        )

    def _assign(self, found: NDArray[np.float32], possible: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
        """Pairs of instances whose masks are alike; as many certain ones as can be."""
        cells = self.grids.shape[1] * self.grids.shape[2]
        ours, theirs = self.grids.reshape(-1, cells), found.reshape(-1, cells)
        distance = (ours**2).sum(1)[:, None] + (theirs**2).sum(1) - 2 * ours @ theirs.T
        cost = distance / cells - _PREFERRED * self.is_certain[:, None]
        return linear_sum_assignment(np.where(possible, cost, _IMPOSSIBLE))

    def _probability(self, row: int, found: NDArray[np.float32]) -> float:
        expected = self.grids[row]
        excess = np.abs(found - expected) - _half_step(expected, self.mask_threshold, self.tolerance.probability)
        return max(0.0, float(excess.max()))

    def _masks(self, pairs: list[tuple[int, int]], reply: Mapping[str, NDArray[Any]]) -> float:
        """The largest share of pixels that differ and should not."""
        if not pairs:
            return 0.0
        filled = np.flatnonzero(reply["classes"] != NO_INSTANCE)[[m for _, m in pairs]]
        # Made one by one: decoding brings them into the order of their scores.
        worst = 0.0
        for (row, _), slot in zip(pairs, filled, strict=True):
            one = {name: reply[name][None, slot : slot + 1] for name in ("scores", "classes", "masks")}
            (found,) = decode_reply(
                one, sent=self.frame.image, originals=[self.frame.original], mask_threshold=self.mask_threshold
            )
            margin = resample(self.grids[row], self.frame) - np.float32(self.mask_threshold)
            blur = resample(_half_step(self.grids[row], self.mask_threshold, self.tolerance.probability), self.frame)
            wrong = (found.masks[0] != (margin > 0)) & (np.abs(margin) > blur + self.tolerance.probability)
            worst = max(worst, float(wrong.mean()))
        return worst


def _maskness_range(
    grids: NDArray[np.float32], threshold: float, tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the largest mean probability inside each mask, when cells at the threshold fall on either side."""
    probabilities = grids.reshape(len(grids), grids.shape[1] * grids.shape[2]).astype(np.float64)
    with_doubtful, settled = probabilities > threshold - tolerance, probabilities > threshold + tolerance
    lowest = (probabilities * with_doubtful).sum(1) / (with_doubtful.sum(1) + 1e-6)
    highest = (probabilities * settled).sum(1) / (settled.sum(1) + 1e-6)
    never_settled = ~settled.any(axis=1)  # the mask may be empty, and its score 0
    highest[never_settled] = np.where(with_doubtful.any(axis=1), threshold + tolerance, 0.0)[never_settled]
    lowest[never_settled] = 0.0
    return lowest, highest


def _half_step(probabilities: NDArray[np.float32], threshold: float, tolerance: float) -> NDArray[np.float32]:
    """What rounding to a mask code may move a probability by, which itself may be off by the tolerance."""
    distance = np.abs(probabilities - threshold) + tolerance
    reach = np.where(probabilities > threshold, 1 - threshold, threshold)
    code = MASK_CODE_SCALE * np.sqrt(distance / reach)
    return (reach * (code + 0.25) / MASK_CODE_SCALE**2).astype(np.float32)
