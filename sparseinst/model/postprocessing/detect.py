"""The instances of one image.

Legend: N queries, K classes, n instances that are kept.

Source:
    hustvl/SparseInst a899015, sparseinst/sparseinst.py (inference). The limit on their number, the thresholds by class
    and the suppression of duplicates are ours; without them the result is the authors'.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sparseinst.masks.resample import Frame
from sparseinst.masks.suppress import suppress
from sparseinst.model.postprocessing.detections import Detections
from sparseinst.model.postprocessing.options import DetectionOptions
from sparseinst.model.postprocessing.scores import maskness, score_classes


def detect(
    logits: Tensor,
    objectness: Tensor,
    mask_logits: Tensor,
    *,
    frame: Frame,
    options: DetectionOptions,
) -> Detections:
    """Keeps what passes the thresholds, weighs its score with its mask, and sorts duplicates out.

    Args:
        logits: [N, K].
        objectness: [N, 1].
        mask_logits: [N, h', w'], on the grid over the padded image.
        frame: The sizes of the padded image, of the image, and of the masks to make.
        options: The thresholds.
    """
    scores, classes = score_classes(logits, objectness)
    queries = torch.nonzero(scores > options.score_threshold).flatten()
    grids = mask_logits[queries].float().sigmoid()
    scores, classes = scores[queries] * maskness(grids, options.mask_threshold), classes[queries]
    kept = _select(scores, classes, grids, options)
    return Detections(
        scores=scores[kept],
        classes=classes[kept],
        queries=queries[kept],
        grids=grids[kept],
        frame=frame,
        mask_threshold=options.mask_threshold,
    )


def _select(scores: Tensor, classes: Tensor, grids: Tensor, options: DetectionOptions) -> Tensor | slice:
    """Which of the candidates stay: int64 indices, ascending, or all of them."""
    kept = torch.arange(len(scores), device=scores.device)
    if options.class_thresholds:
        least = scores.new_zeros(max(int(classes.max()) if len(classes) else 0, *options.class_thresholds) + 1)
        for index, threshold in options.class_thresholds.items():
            least[index] = threshold
        kept = kept[scores >= least[classes]]
    if options.mask_nms:
        overlaps = _overlaps(grids[kept] > options.mask_threshold)
        chosen = suppress(
            overlaps.cpu().numpy(), scores[kept].cpu().numpy(), classes[kept].cpu().numpy(), options.mask_nms
        )
        kept = kept[torch.from_numpy(chosen).to(kept.device)]
    if len(kept) > options.max_detections:
        best = scores[kept].topk(options.max_detections).indices
        kept = kept[best.sort().values]
    return slice(None) if len(kept) == len(scores) else kept


def _overlaps(masks: Tensor) -> Tensor:
    """The IoU of each pair of masks, bool [n, h, w] to float32 [n, n]; 0 for two empty ones."""
    flat = masks.flatten(1).float()
    inter = flat @ flat.T
    area = flat.sum(dim=1)
    return inter / (area[:, None] + area[None, :] - inter).clamp(min=1)
