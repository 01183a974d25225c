"""How sure the network is of each query.

Legend: N queries, K classes.

Source:
    hustvl/SparseInst a899015, sparseinst/sparseinst.py (inference).
"""

from __future__ import annotations

import torch
from torch import Tensor


def score_classes(logits: Tensor, objectness: Tensor) -> tuple[Tensor, Tensor]:
    """The best class per query: (scores float32 [..., N], classes int64 [..., N]).

    Args:
        logits: Class logits [..., N, K].
        objectness: Objectness logits [..., N, 1].
    """
    scores = torch.sqrt(logits.float().sigmoid() * objectness.float().sigmoid())
    best, classes = scores.max(dim=-1)
    return best, classes


def maskness(probabilities: Tensor, threshold: float) -> Tensor:
    """The mean probability inside each mask: [..., h, w] to [...]; 0 for an empty mask."""
    inside = (probabilities > threshold).to(probabilities.dtype)
    return (probabilities * inside).sum(dim=(-2, -1)) / (inside.sum(dim=(-2, -1)) + 1e-6)
