"""Which of several masks of one object stay: mask non-maximum suppression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def suppress(
    overlaps: NDArray[np.floating], scores: NDArray[np.floating], classes: NDArray[np.integer], limit: float
) -> NDArray[np.int64]:
    """Goes from the best score down and drops what overlaps one of its class that was kept by more than `limit`.

    Args:
        overlaps: IoU of each pair, [n, n] in [0, 1].
        scores: [n].
        classes: [n].
        limit: The largest IoU that two kept masks of one class may have.

    Returns:
        Indices of the kept ones, int64, ascending.
    """
    rivals = (overlaps > limit) & (classes[:, None] == classes[None, :])
    kept = np.zeros(len(scores), np.bool_)
    for index in np.argsort(-scores, kind="stable"):
        kept[index] = not (rivals[index] & kept).any()
    return np.flatnonzero(kept)
