"""The four losses of SparseInst.

Legend: B images, N queries, K classes, m matched pairs of the whole batch, P cells of a mask.

Source:
    Cheng et al., CVPR 2022, section 3.4; hustvl/SparseInst a899015, sparseinst/loss.py (SparseInstCriterion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sparseinst.training.config import TrainConfig
from sparseinst.training.matcher import Matcher
from sparseinst.training.targets import BatchTargets

_FOCAL_ALPHA = 0.25
_FOCAL_GAMMA = 2.0
_DICE_EPSILON = 1e-4
_IOU_PREDICTION_THRESHOLD = 0.4
_IOU_TARGET_THRESHOLD = 0.5


def focal_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum of the sigmoid focal loss over all elements (Lin et al., ICCV 2017), float32 scalar."""
    logits = logits.float()
    prob = logits.sigmoid()
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    hit = prob * targets + (1 - prob) * (1 - targets)
    weight = _FOCAL_ALPHA * targets + (1 - _FOCAL_ALPHA) * (1 - targets)
    return (weight * (1 - hit) ** _FOCAL_GAMMA * cross_entropy).sum()


def dice_loss(logits_mP: Tensor, targets_mP: Tensor) -> Tensor:
    """The sum over the pairs of 1 - dice, float32 scalar."""
    prob = logits_mP.float().sigmoid()
    overlap = 2 * (prob * targets_mP).sum(-1)
    size = prob.square().sum(-1) + targets_mP.square().sum(-1)
    return (1 - overlap / (size + _DICE_EPSILON)).sum()


@torch.no_grad()
def mask_iou(logits_mP: Tensor, targets_mP: Tensor) -> Tensor:
    """The IoU of each pair after both are made binary, float32 [m]: what the objectness should say."""
    predicted = logits_mP.float().sigmoid() >= _IOU_PREDICTION_THRESHOLD
    wanted = targets_mP > _IOU_TARGET_THRESHOLD
    inter = (predicted & wanted).sum(-1).float()
    union = (predicted | wanted).sum(-1).float()
    return inter / (union + 1e-6)


class Criterion:
    """Matches predictions to objects and weighs four losses: class, mask (pixel-wise), dice, objectness."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.matcher = Matcher(config.matcher_alpha, config.matcher_beta)

    def __call__(
        self,
        raw: Mapping[str, Tensor],
        targets: BatchTargets,
        num_instances: float | Tensor,
        num_matched: float | None = None,
    ) -> dict[str, Tensor]:
        """The weighted losses, float32 scalars: "loss_ce", "loss_mask", "loss_dice", "loss_objectness".

        The class and dice losses are sums divided by `num_instances`; the mask and objectness losses are means over
        the matched pairs. Where a step's images are shared by ranks or come in several micro-batches, the numbers of
        the whole step make the parts add up to what one large batch would give.

        Args:
            raw: The network's raw outputs.
            targets: The objects of these images.
            num_instances: Objects of the whole step, divided by the number of ranks.
            num_matched: Matched pairs of the whole step, divided by the number of ranks (see `count_matched`);
                default: those of these images, as published.
        """
        matches = self.matcher(raw["pred_logits"], raw["pred_masks"], targets)
        image, query, row = _flatten(matches, targets.counts, raw["pred_logits"].device)
        logits = raw["pred_logits"]
        wanted = torch.zeros_like(logits, dtype=torch.float32)
        wanted[image, query, targets.classes[row]] = 1
        loss_ce = focal_loss(logits, wanted) / num_instances
        if len(row) == 0:
            # Nothing to draw, but every rank must reach the same parameters: DDP waits for their gradients.
            nothing = 0.0 * (raw["pred_masks"].float().sum() + raw["pred_scores"].float().sum())
            losses = {"loss_ce": loss_ce, "loss_mask": nothing, "loss_dice": nothing, "loss_objectness": nothing}
        else:
            pairs = len(row) if num_matched is None else num_matched
            masks = raw["pred_masks"][image, query].flatten(1).float()
            truth = targets.masks[row].flatten(1)
            objectness = raw["pred_scores"][image, query, 0].float()
            losses = {
                "loss_ce": loss_ce,
                "loss_mask": F.binary_cross_entropy_with_logits(masks, truth) * (len(row) / pairs),
                "loss_dice": dice_loss(masks, truth) / num_instances,
                "loss_objectness": F.binary_cross_entropy_with_logits(objectness, mask_iou(masks, truth))
                * (len(row) / pairs),
            }
        weights = {
            "loss_ce": self.config.class_weight,
            "loss_mask": self.config.mask_weight,
            "loss_dice": self.config.dice_weight,
            "loss_objectness": self.config.objectness_weight,
        }
        return {name: weights[name] * loss for name, loss in losses.items()}


def count_matched(counts: Sequence[int], num_masks: int) -> int:
    """How many pairs the matcher will make: each object has a query, as long as there are queries."""
    return sum(min(count, num_masks) for count in counts)


def _flatten(
    matches: Sequence[tuple[Tensor, Tensor]], counts: Sequence[int], device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """The matched pairs of all images as three int64 [m]: image, query, and row in the batch's list of objects."""
    starts = [sum(counts[:index]) for index in range(len(counts))]
    image = torch.cat([torch.full_like(queries, index) for index, (queries, _) in enumerate(matches)])
    query = torch.cat([queries for queries, _ in matches])
    row = torch.cat([objects + start for start, (_, objects) in zip(starts, matches, strict=True)])
    return image.to(device), query.to(device), row.to(device)
