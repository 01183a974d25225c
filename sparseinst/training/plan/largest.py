"""The largest micro-batch that a memory holds."""

from __future__ import annotations

from sparseinst.config import RunConfig
from sparseinst.errors import ConfigError
from sparseinst.training.plan.memory import USABLE, Memory, Situation, estimate_memory

LESS_MEMORY = (
    "Take a device with more memory, train.precision=bf16 (fp16 on old GPUs), smaller input.train_short_sides and "
    "input.train_longest_side, or a smaller model."
)


def largest_micro_batch(
    config: RunConfig,
    num_classes: int,
    memory_bytes: int,
    share: int,
    *,
    largest_objects: int | None = None,
    ranks: int = 1,
    on_cpu: bool = False,
    mixed_orientations: bool = True,
) -> int:
    """How many images a rank can compute at a time.

    Args:
        config: The run's.
        num_classes: Of the data.
        memory_bytes: Of the rank's device; of RAM, the rank's part of what is available. 90 % of it is used.
        share: Images of a rank in a step.
        largest_objects: In one image of the data; None: as many as the model has queries.
        ranks: Of the run.
        on_cpu: Whether the device is a CPU.
        mixed_orientations: Whether some images of the data lie and others stand.

    Returns:
        The largest divisor of `share` whose estimated memory fits.

    Raises:
        ConfigError: Not even one image fits.
    """
    situation = Situation(
        config=config,
        num_classes=num_classes,
        largest_objects=largest_objects,
        ranks=ranks,
        on_cpu=on_cpu,
        mixed_orientations=mixed_orientations,
    )
    found = largest_fitting(situation, memory_bytes, share)
    if not found:
        raise ConfigError(
            too_large(situation, estimate_memory(situation, 1), memory_bytes), where="train", fix=LESS_MEMORY
        )
    return found


def largest_fitting(situation: Situation, memory_bytes: float, share: int) -> int:
    """The largest divisor of `share` that fits; 0 where none does."""
    divisors = (count for count in range(share, 0, -1) if share % count == 0)
    return next((count for count in divisors if fits(estimate_memory(situation, count), memory_bytes)), 0)


def fits(memory: Memory, memory_bytes: float) -> bool:
    return memory.total <= USABLE * memory_bytes


def too_large(situation: Situation, memory: Memory, memory_bytes: float) -> str:
    """The problem, where one image is too much."""
    height, width = situation.size
    return (
        f"One image of {height} x {width} pixels at a time needs about {memory.total / 1e9:.1f} GB in training; "
        f"{USABLE * memory_bytes / 1e9:.1f} GB can be used (90 % of {memory_bytes / 1e9:.1f} GB)."
    )
