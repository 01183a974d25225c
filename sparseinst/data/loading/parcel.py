"""How a batch travels from a worker process: as one piece of shared memory, masks as bits.

Sent as they are, the tensors of a batch would be some 50 MB in shared memory, whose pages cost more time than making
the examples, and some 25 open files, of which a process may have few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from sparseinst.data.loading.example import Example, Target


@dataclass(frozen=True, slots=True)
class Parcel:
    """Some examples.

    Attributes:
        content: uint8; of each example the image's pixels row by row, then its masks' bits.
        sizes: Height and width of each.
        classes: Of each example the class indices of its objects.
        image_ids: Of each.
        replaced: Of each, the images that it stands for.
    """

    content: Tensor
    sizes: list[tuple[int, int]]
    classes: list[list[int]]
    image_ids: list[int]
    replaced: list[tuple[str, ...]]


def pack(examples: Sequence[Example]) -> Parcel:
    """Puts examples into one parcel."""
    pieces = []
    for example in examples:
        pieces.append(example.image.permute(1, 2, 0).reshape(-1))
        pieces.append(torch.from_numpy(np.packbits(example.target.masks.numpy().ravel())))
    return Parcel(
        _joined(pieces),
        [(example.image.shape[1], example.image.shape[2]) for example in examples],
        [example.target.classes.tolist() for example in examples],
        [example.image_id for example in examples],
        [example.replaced for example in examples],
    )


def _joined(pieces: Sequence[Tensor]) -> Tensor:
    """The pieces one behind the other; in a worker process in shared memory at once, as torch's own collation does."""
    if get_worker_info() is None:
        return torch.cat(list(pieces))
    size = sum(len(piece) for piece in pieces)
    shared = torch.empty(0, dtype=torch.uint8).set_(torch.UntypedStorage._new_shared(size))
    return torch.cat(list(pieces), out=shared.resize_(size))


def unpack(parcel: Parcel) -> list[Example]:
    """The examples in a parcel. The images are views of its memory."""
    examples, begin = [], 0
    columns = (parcel.sizes, parcel.classes, parcel.image_ids, parcel.replaced)
    for (height, width), classes, image_id, replaced in zip(*columns, strict=True):
        pixels, bits = 3 * height * width, len(classes) * height * width
        end = begin + pixels + -(-bits // 8)
        image = parcel.content[begin : begin + pixels].view(height, width, 3).permute(2, 0, 1)
        masks = np.unpackbits(parcel.content[begin + pixels : end].numpy(), count=bits)
        target = Target(
            torch.tensor(classes, dtype=torch.int64), torch.from_numpy(masks).view(len(classes), height, width)
        )
        examples.append(Example(image, target, image_id, replaced))
        begin = end
    return examples
