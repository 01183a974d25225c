"""How many ranks share a step's images."""

from __future__ import annotations

from sparseinst.errors import ConfigError


def require_even_shares(batch_size: int, ranks: int) -> None:
    """Raises a ConfigError where the ranks cannot share a batch evenly."""
    if batch_size % ranks:
        raise ConfigError(
            f"A batch of {batch_size} images cannot be shared by {ranks} ranks.",
            where="train.batch_size",
            fix=f"Choose a multiple of {ranks}.",
        )


def most_ranks(batch_size: int, gpus: int) -> int:
    """As many of the GPUs as can share the batch evenly; 0 where there are none."""
    return next((count for count in range(gpus, 0, -1) if batch_size % count == 0), 0)
