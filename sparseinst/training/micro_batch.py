"""How many images a rank computes at a time."""

from __future__ import annotations

import os

import psutil
import torch

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.errors import ConfigError
from sparseinst.log import get_logger
from sparseinst.training.ranks.group import Ranks

log = get_logger("train")

_BYTES_A_PIXEL = 8192  # of a padded image: more than any of the models takes; a look at the memory can wait below it


def choose_micro_batch(config: RunConfig, ranks: Ranks, dataset: TrainingImages, before: int = 0) -> int:
    """Images that are computed at a time; a rank's share of a step is so many, or a multiple.

    Args:
        config: Its train.micro_batch decides; 0 leaves it to the memory.
        ranks: Who shares a step; all of them get the same.
        dataset: The images.
        before: What a run that goes on had: it is kept where it fits, so that the sums stay the same to the last bit.

    Raises:
        ConfigError: The share is no multiple of it, or the memory does not hold a single image.
    """
    share, wanted = config.train.batch_size // ranks.world_size, config.train.micro_batch
    if wanted and share % wanted:
        raise ConfigError(
            f"{share} images of a rank cannot come in parts of {wanted}.",
            where="train.micro_batch",
            fix=f"Give a divisor of {share}: train.batch_size {config.train.batch_size} over {ranks.world_size} ranks.",
        )
    if wanted or (before and share % before == 0):
        return wanted or before
    chosen = min(ranks.gather(_most(config, ranks, dataset, share)))
    if ranks.is_main and chosen < share:
        log.info("%d images a step and rank come in %d parts, as memory allows", share, share // chosen)
    return chosen


def _most(config: RunConfig, ranks: Ranks, dataset: TrainingImages, share: int) -> int:
    on_cpu = ranks.device.type == "cpu"
    memory = _memory(ranks)
    pixels = config.input.train_longest_side**2
    if share * pixels * _BYTES_A_PIXEL < memory:
        return share
    from sparseinst.training.plan.largest import largest_micro_batch  # it takes seconds to import, and to look

    return largest_micro_batch(
        config,
        len(dataset.categories),
        memory,
        share,
        largest_objects=dataset.most_objects,
        ranks=ranks.world_size,
        on_cpu=on_cpu,
        mixed_orientations=bool(dataset.tall.any() and not dataset.tall.all()),
    )


def _memory(ranks: Ranks) -> int:
    """What this rank can have, in bytes."""
    if ranks.device.type == "cuda":
        return int(torch.cuda.mem_get_info(ranks.device)[0])
    return int(psutil.virtual_memory().available) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
