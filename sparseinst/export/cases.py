"""The pictures and batches on which an export is compared with its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sparseinst.export.golden import Pixels, drawn

FULL_BATCH = 8
_PORTRAIT = 4 / 3


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A batch of pictures of one size, uint8 RGB [H, W, 3] each."""

    title: str
    images: Sequence[Pixels]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.images[0].shape[0], self.images[0].shape[1]


def parity_cases(golden: Sequence[Pixels], short_side: int, longest_side: int, *, is_slow: bool) -> list[Case]:
    """Sizes from one pixel to the model's own, odd ones, strips, pictures lying and standing, batches of 1, 4 and 8.

    Batches are of smaller pictures: what a batch can break does not depend on their size, and the time does.

    Args:
        golden: Pictures of the model's own size.
        short_side: The model's.
        longest_side: The model's.
        is_slow: Computing takes many times as long as it should: the cases are fewer and smaller.
    """
    side = short_side // (4 if is_slow else 2)
    tall = min(longest_side, round(short_side * _PORTRAIT))
    large = [Case("as golden", [image]) for image in (golden[:1] if is_slow else golden)]
    if not is_slow:
        large.append(Case("standing", [drawn(tall, short_side, 10)]))
    return [
        Case("one pixel", [drawn(1, 1, 11)]),
        Case("tiny and odd", variants(drawn(33, 47, 12), 4)),
        Case("black", [np.zeros((side, side, 3), np.uint8)]),
        Case("grey", [_grey(drawn(side, side + 31, 13))]),
        Case("a strip", [drawn(max(1, side // 8), 2 * side, 14)]),
        Case("a batch", variants(drawn(side + 1, side + 9, 15), 4)),
        Case("a full batch", variants(drawn(side, side + 33, 16), FULL_BATCH)),
        *large,
    ]


def variants(image: Pixels, count: int) -> list[Pixels]:
    """Up to 8 different pictures of one size: the image, mirrored, upside down, and with red and blue exchanged."""
    return [_variant(image, index) for index in range(count)]


def _variant(image: Pixels, index: int) -> Pixels:
    image = image[:, ::-1] if index & 1 else image
    image = image[::-1] if index & 2 else image
    return np.ascontiguousarray(image[:, :, ::-1] if index & 4 else image)


def _grey(image: Pixels) -> Pixels:
    shade: npt.NDArray[np.uint8] = image.mean(axis=2, keepdims=True).astype(np.uint8)
    return np.repeat(shade, 3, axis=2)
