"""What the losses and the matching need beyond the network: measured on the real ones, with tensors without values."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from sparseinst.data.loading.example import Target
from sparseinst.model.config import ModelConfig
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion
from sparseinst.training.matcher import Matcher
from sparseinst.training.plan.ledger import HALF, Ledger, without_values
from sparseinst.training.targets import BatchTargets, collect_targets

_STRIDE = 8  # of the maps that masks are drawn on, before `mask_scale`


class _AnyMatch(Matcher):
    """Computes every score, as the real one does, and then matches anything: without values there is no best."""

    def __call__(
        self, logits_BNK: Tensor, mask_logits_BNhw: Tensor, targets: BatchTargets
    ) -> list[tuple[Tensor, Tensor]]:
        with torch.no_grad():
            self.score(logits_BNK, mask_logits_BNhw, targets)
        queries = logits_BNK.shape[1]
        return [(torch.arange(min(count, queries)), torch.arange(min(count, queries))) for count in targets.counts]


@lru_cache(maxsize=256)
def criterion_bytes(
    model: ModelConfig, num_classes: int, size: tuple[int, int], *, images: int, objects: int, is_half: bool
) -> int:
    """The peak of masks, scores, losses and their gradients, in bytes beyond the network's outputs.

    Args:
        model: The network's configuration.
        num_classes: Of the data.
        size: Height and width of the padded images.
        images: Of the micro-batch.
        objects: In each of the images.
        is_half: Whether the outputs have 16 bits.
    """
    dtype = HALF if is_half else torch.float32
    grid = (model.mask_scale * size[0] // _STRIDE, model.mask_scale * size[1] // _STRIDE)
    shapes = {"pred_logits": (num_classes,), "pred_scores": (1,), "pred_masks": grid}
    with without_values():
        raw = {
            name: torch.zeros((images, model.num_masks, *rest), dtype=dtype, requires_grad=True)
            for name, rest in shapes.items()
        }
        criterion = Criterion(TrainConfig())  # its weights and exponents change no shape
        criterion.matcher = _AnyMatch()
        with Ledger(raw.values()) as ledger:
            base = ledger.mark()
            examples = [
                Target(torch.zeros(objects, dtype=torch.int64), torch.zeros((objects, *size), dtype=torch.uint8))
                for _ in range(images)
            ]
            losses = criterion(raw, collect_targets(examples, size, grid), 1.0)
            torch.stack(list(losses.values())).sum().backward()
            return ledger.peak - base
