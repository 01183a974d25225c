"""Raw outputs to instances: scores, classes, and masks at the size of the original image.

Legend: N queries, K classes, n instances that are kept.

Source:
    hustvl/SparseInst a899015, sparseinst/sparseinst.py (inference).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_CHUNK_BYTES = 256 << 20  # float32 masks that are enlarged at a time


@dataclass(frozen=True, slots=True)
class Detections:
    """What one image holds, in the order of the queries.

    Attributes:
        scores: float32 [n], in [0, 1].
        classes: int64 [n], indices into the categories.
        masks: bool [n, height, width].
        queries: int64 [n], ascending: which query found each instance.
    """

    scores: Tensor
    classes: Tensor
    masks: Tensor
    queries: Tensor


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


def detect(
    logits: Tensor,
    objectness: Tensor,
    mask_logits: Tensor,
    *,
    image_size: tuple[int, int],
    original_size: tuple[int, int],
    score_threshold: float,
    mask_threshold: float,
    max_detections: int,
) -> Detections:
    """The instances of one image.

    Args:
        logits: [N, K].
        objectness: [N, 1].
        mask_logits: [N, H / 4, W / 4] of the padded image.
        image_size: Height and width that the network saw, without the padding, in pixels.
        original_size: Height and width of the masks to make, in pixels.
        score_threshold: Queries whose class score is not above it are dropped.
        mask_threshold: Pixels above this probability belong to the object.
        max_detections: The best ones that are kept when more pass the threshold.
    """
    scores, classes = score_classes(logits, objectness)
    queries = torch.nonzero(scores > score_threshold).flatten()
    probabilities = mask_logits[queries].float().sigmoid()
    scores = scores[queries] * maskness(probabilities, mask_threshold)
    if len(queries) > max_detections:
        best = scores.topk(max_detections).indices.sort().values
        queries, scores, probabilities = queries[best], scores[best], probabilities[best]
    masks = enlarge_masks(probabilities, image_size, original_size, mask_threshold)
    return Detections(scores, classes[queries], masks, queries)


def enlarge_masks(
    probabilities: Tensor, image_size: tuple[int, int], original_size: tuple[int, int], threshold: float
) -> Tensor:
    """Probabilities [n, H / 4, W / 4] of the padded image to bool masks [n, *original_size], in bounded memory."""
    count, height, width = probabilities.shape
    padded = (height * 4, width * 4)
    masks = torch.empty((count, *original_size), dtype=torch.bool, device=probabilities.device)
    pixels = max(padded[0] * padded[1], original_size[0] * original_size[1])
    step = max(1, _CHUNK_BYTES // (4 * pixels))
    for start in range(0, count, step):
        chunk = probabilities[None, start : start + step]
        chunk = F.interpolate(chunk, size=padded, mode="bilinear", align_corners=False)
        chunk = chunk[:, :, : image_size[0], : image_size[1]]
        chunk = F.interpolate(chunk, size=original_size, mode="bilinear", align_corners=False)
        torch.gt(chunk[0], threshold, out=masks[start : start + step])
    return masks
