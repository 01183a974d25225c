"""How many images a rank computes at a time."""

from __future__ import annotations

from sparseinst.config import RunConfig
from sparseinst.errors import ConfigError
from sparseinst.log import get_logger
from sparseinst.training.ranks.group import Ranks

log = get_logger("train")


def choose_micro_batch(config: RunConfig, ranks: Ranks, num_classes: int, before: int = 0) -> int:
    """Images that are computed at a time; a rank's share of a step is so many, or a multiple.

    Args:
        config: Its train.micro_batch decides; 0 leaves it to the memory.
        ranks: Who shares a step, and the device.
        num_classes: Of the model.
        before: What a run that goes on had: it is kept where it fits, so that the sums stay the same to the last bit.

    Raises:
        ConfigError: The share is no multiple of it.
    """
    share = config.train.batch_size // ranks.world_size
    chosen = config.train.micro_batch or before
    if chosen and share % chosen and config.train.micro_batch:
        raise ConfigError(
            f"{share} images of a rank cannot come in parts of {chosen}.",
            where="train.micro_batch",
            fix=f"Give a divisor of {share}: train.batch_size {config.train.batch_size} over {ranks.world_size} ranks.",
        )
    if not chosen or share % chosen:
        chosen = share
    if ranks.is_main and chosen < share:
        log.info("%d images a step and rank, in %d parts of %d", share, share // chosen, chosen)
    return chosen
