"""How many pixels the network sees in training: at most, which decides the memory, and on average, which takes time.

All images of a step are padded to one size, on all ranks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sparseinst.data.config import InputConfig
from sparseinst.export.contract import round_up

_USUAL_ASPECT = 4 / 3  # of photographs; COCO's commonest size is 640 x 480


def worst_size(config: InputConfig, *, images: int, mixed_orientations: bool = True) -> tuple[int, int]:
    """The largest height and width that a step can be padded to, in pixels, multiples of 32.

    Args:
        config: The sides.
        images: Of a step, on all ranks together.
        mixed_orientations: Whether some images of the data lie and others stand. A step with both is padded to a
            square; random crops can stand among images that lie.
    """
    longest = config.train_longest_side
    is_square = images > 1 and (mixed_orientations or config.crop > 0)
    shortest = longest if is_square else min(max(config.train_short_sides), longest)
    return round_up(shortest), round_up(longest)


def mean_pixels(config: InputConfig, *, images: int) -> float:
    """The pixels of one padded image on average, for images of the usual aspect ratio, all lying.

    A step is as large as its largest image. Where each image draws its own short side, that is seldom a small one.
    """
    draws = 1 if config.scale_per == "batch" else images
    return sum(share * _padded_pixels(config, short) for short, share in _largest_of(config.train_short_sides, draws))


def _largest_of(sides: tuple[int, ...], draws: int) -> Iterator[tuple[int, float]]:
    """Each side with the probability that it is the largest of so many independent draws."""
    counts = Counter(sides)
    below = 0
    for side in sorted(counts):
        yield side, ((below + counts[side]) / len(sides)) ** draws - (below / len(sides)) ** draws
        below += counts[side]


def _padded_pixels(config: InputConfig, short: int) -> int:
    scale = min(1.0, config.train_longest_side / (short * _USUAL_ASPECT))
    return round_up(round(scale * short)) * round_up(round(scale * short * _USUAL_ASPECT))
