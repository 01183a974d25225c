"""Pixels to what the network sees: normalised first, then padded, so that the padding is the mean colour."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sparseinst.errors import SparseInstError
from sparseinst.export.contract import round_up

PIXEL_MEAN = (123.675, 116.28, 103.53)  # red, green, blue of ImageNet, in 0..255
PIXEL_STD = (58.395, 57.12, 57.375)


def normalise(images: Tensor) -> Tensor:
    """RGB in 0..255, any dtype, [..., 3, H, W], to float32 with zero mean and unit deviation over ImageNet."""
    mean = torch.tensor(PIXEL_MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(PIXEL_STD, device=images.device).view(3, 1, 1)
    return (images.float() - mean) / std


def padded_size(images: Sequence[Tensor]) -> tuple[int, int]:
    """Height and width of a batch: the largest sides of its images, rounded up to multiples of 32."""
    return round_up(max(image.shape[1] for image in images)), round_up(max(image.shape[2] for image in images))


def batch_images(images: Sequence[Tensor], padded: tuple[int, int] | None = None) -> Tensor:
    """Images of any sizes as one float32 batch [B, 3, H, W]; the images lie at the top left.

    Args:
        images: uint8 RGB, [3, h, w] each.
        padded: H and W, multiples of 32; default: `padded_size(images)`.

    Raises:
        SparseInstError: The list is empty, an image has another dtype or shape, or is larger than `padded`.
    """
    check_images(images)
    needed = padded_size(images)
    height, width = padded or needed
    if height < needed[0] or width < needed[1]:
        raise SparseInstError(
            f"Images that need {needed[0]} x {needed[1]} do not fit {height} x {width}.",
            where="batch_images(images, padded)",
            fix="Give at least padded_size(images).",
        )
    return torch.stack([F.pad(normalise(i), (0, width - i.shape[2], 0, height - i.shape[1])) for i in images])


def check_images(images: Sequence[Tensor]) -> None:
    """Raises a SparseInstError that lists the images which are not uint8 RGB of shape [3, h, w]."""
    if len(images) == 0:
        raise SparseInstError("There are no images.", where="the list of images", fix="Pass at least one.")
    wrong = [f"image {index}: {_describe(image)}" for index, image in enumerate(images) if not _is_image(image)]
    if wrong:
        raise SparseInstError(
            "Some images are not uint8 RGB of shape (3, height, width) with at least one pixel.",
            details=wrong,
            fix="Convert them, e.g. with sparseinst.imaging.read.read_image, and put the channels first.",
        )


def _is_image(image: object) -> bool:
    if not isinstance(image, Tensor) or image.dtype != torch.uint8:
        return False
    return image.dim() == 3 and image.shape[0] == 3 and image.numel() > 0


def _describe(image: object) -> str:
    return f"{image.dtype}, {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
