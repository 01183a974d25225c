"""A GPU whose memory is too small for what it was asked."""

from __future__ import annotations

import torch

from sparseinst.errors import TrainingError


def too_little_memory(
    error: torch.OutOfMemoryError, micro_batch: int, padded: tuple[int, int], where: str
) -> TrainingError:
    """What torch says, as an error with a way out. `padded` is the images' size, `where` the iteration and rank."""
    smaller = max(1, micro_batch // 2)
    return TrainingError(
        f"The GPU's memory does not hold {micro_batch} images of {padded[0]} x {padded[1]} pixels at a time.",
        where=f"{where}: {str(error).splitlines()[0]}",
        fix=f"--set train.micro_batch={smaller} (a divisor of a rank's share): the step stays as large, and the same "
        "command with it goes on from the last saved state.",
    )
