"""What the ranks tell each other before each step, in one small exchange between their CPUs.

All of it decides together: the losses are divided by the objects of the whole step, all images of a step are padded to
one size, and a rank that was told to stop stops all of them at the same iteration. So neither the number of ranks nor
the size of the micro-batches changes what a step computes, apart from rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sparseinst.data.loading.example import Example
from sparseinst.model.preprocessing import padded_size
from sparseinst.training.criterion import count_matched
from sparseinst.training.ranks.group import Ranks


@dataclass(frozen=True, slots=True)
class Agreement:
    """Known to every rank.

    Attributes:
        instances: Objects in the step's images, at least 1, divided by the number of ranks.
        matched: Pairs that the matchers will make, at least 1, divided by the number of ranks.
        padded: Height and width that all of the step's images are padded to, in pixels.
        stop: Whether any rank was told to stop.
        bad_images: How many images could not be read so far, on all ranks.
        seconds: Rank 0's clock.
    """

    instances: float
    matched: float
    padded: tuple[int, int]
    stop: bool
    bad_images: int
    seconds: float


def agree(
    ranks: Ranks, examples: Sequence[Example] | None, *, num_masks: int, stop: bool, bad_images: int, seconds: float
) -> Agreement:
    """Exchanges what each rank knows of its part of the next step; all ranks call it.

    Args:
        ranks: Who takes part.
        examples: This rank's images; None where it was told to stop before it had them.
        num_masks: The model's queries.
        stop: Whether this rank was told to stop.
        bad_images: How many images it could not read so far.
        seconds: Its clock.
    """
    counts = [len(example.target.classes) for example in examples or ()]
    padded = padded_size([example.image for example in examples]) if examples else (0, 0)
    mine = (sum(counts), count_matched(counts, num_masks), *padded, stop or examples is None, bad_images, seconds)
    rows = ranks.table(mine)
    instances, matched, heights, widths, stops, bad, clocks = zip(*rows, strict=True)
    return Agreement(
        instances=max(sum(instances), 1) / ranks.world_size,
        matched=max(sum(matched), 1) / ranks.world_size,
        padded=(int(max(heights)), int(max(widths))),
        stop=any(stops),
        bad_images=int(sum(bad)),
        seconds=clocks[0],
    )
