"""Which query answers for which object: the assignment with the highest total score.

Legend: B images, N queries, K classes, M objects of the whole batch, P cells of a mask (H / 4 * W / 4).

Source:
    Cheng et al., CVPR 2022, section 3.4; hustvl/SparseInst a899015, sparseinst/loss.py (SparseInstMatcher).
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from sparseinst.training.targets import BatchTargets

_DICE_EPSILON = 1e-4


def dice_scores(mask_logits_BNP: Tensor, targets_MP: Tensor) -> Tensor:
    """How well each predicted mask covers each object: float32 [B, N, M] in [0, 1], 1 is perfect.

    Computed in float32: a half-precision sum over the 25 600 cells of a 640 x 640 image stops counting.
    """
    prob = mask_logits_BNP.float().sigmoid()
    overlap = 2 * prob @ targets_MP.T
    size = prob.square().sum(-1)[..., None] + targets_MP.square().sum(-1)
    return overlap / (size + _DICE_EPSILON)


class Matcher:
    """Scores every pair by dice^alpha * class probability^beta, and assigns one query to each object."""

    def __init__(self, alpha: float = 0.8, beta: float = 0.2) -> None:
        self.alpha = alpha
        self.beta = beta

    @torch.no_grad()
    def __call__(
        self, logits_BNK: Tensor, mask_logits_BNhw: Tensor, targets: BatchTargets
    ) -> list[tuple[Tensor, Tensor]]:
        """Per image the matched (queries, objects), int64 on the CPU, queries ascending.

        Objects are counted from 0 within their image. Where an image has more objects than there are queries, the
        best-scored ones are matched and the others are left out. A score that is not finite counts as 0.
        """
        if len(targets.classes) == 0:
            nothing = torch.zeros(0, dtype=torch.int64)
            return [(nothing, nothing) for _ in targets.counts]
        with torch.autocast(logits_BNK.device.type, enabled=False):
            scores = self.score(logits_BNK, mask_logits_BNhw, targets).cpu().numpy()
        scores = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
        matches = []
        start = 0
        for image, count in enumerate(targets.counts):
            rows, columns = linear_sum_assignment(scores[image, :, start : start + count], maximize=True)
            matches.append((torch.from_numpy(rows), torch.from_numpy(columns)))
            start += count
        return matches

    def score(self, logits_BNK: Tensor, mask_logits_BNhw: Tensor, targets: BatchTargets) -> Tensor:
        """The score of every query for every object of the batch, float32 [B, N, M]."""
        dice = dice_scores(mask_logits_BNhw.flatten(2), targets.masks.flatten(1))
        probability = logits_BNK.float().sigmoid()[..., targets.classes]
        return dice**self.alpha * probability**self.beta
