"""Probabilities on the network's grid to masks in the original image, in bounded memory.

Legend: n instances, H and W the sides of the padded image, h and w those of the original one.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sparseinst.masks.coco import Rle, encode_masks
from sparseinst.masks.resample import MASK_STRIDE, resample

_CHUNK_BYTES = 256 << 20  # what the masks of one step may take while they are enlarged


def enlarge_masks(
    grids: Tensor, image_size: tuple[int, int], original_size: tuple[int, int], threshold: float
) -> Tensor:
    """The pixels above the threshold: bool [n, h, w] on the device of the grids.

    The probabilities are enlarged to the padded image, cut to the image without padding, resized to the original one
    (bilinear both times), and then compared. Beside the result at most `_CHUNK_BYTES` are taken.

    Args:
        grids: float32 [n, H / 4, W / 4].
        image_size: Height and width of the image that the network saw, without the padding.
        original_size: (h, w).
    """
    if grids.device.type == "cpu":
        return torch.from_numpy(_with_opencv(grids.numpy(), image_size, original_size, threshold))
    masks = torch.empty((len(grids), *original_size), dtype=torch.bool, device=grids.device)
    padded = (grids.shape[1] * MASK_STRIDE, grids.shape[2] * MASK_STRIDE)
    pixels = padded[0] * padded[1] + original_size[0] * original_size[1]
    step = max(1, _CHUNK_BYTES // (4 * pixels))
    for start in range(0, len(grids), step):
        chunk = F.interpolate(grids[None, start : start + step], size=padded, mode="bilinear", align_corners=False)
        chunk = chunk[:, :, : image_size[0], : image_size[1]]
        if chunk.shape[2:] != original_size:
            chunk = F.interpolate(chunk, size=original_size, mode="bilinear", align_corners=False)
        torch.gt(chunk[0], threshold, out=masks[start : start + step])
    return masks


def enlarge_in_columns(
    grids: Tensor, image_size: tuple[int, int], original_size: tuple[int, int], threshold: float
) -> NDArray[np.bool_]:
    """The same masks on the CPU, bool [n, h, w], whose memory lies column by column: the order of COCO's RLE."""
    turned = grids.transpose(1, 2).contiguous()
    return enlarge_masks(turned, image_size[::-1], original_size[::-1], threshold).cpu().numpy().transpose(0, 2, 1)


def encode_enlarged(
    grids: Tensor, image_size: tuple[int, int], original_size: tuple[int, int], threshold: float
) -> list[Rle]:
    """The same masks as compressed COCO RLE, made a few at a time so that never all of them are held as pixels."""
    step = max(1, _CHUNK_BYTES // (original_size[0] * original_size[1]))
    return [
        rle
        for start in range(0, len(grids), step)
        for rle in encode_masks(enlarge_in_columns(grids[start : start + step], image_size, original_size, threshold))
    ]


def _with_opencv(
    grids: NDArray[np.float32], image_size: tuple[int, int], original_size: tuple[int, int], threshold: float
) -> NDArray[np.bool_]:
    masks = np.zeros((len(grids), *original_size), np.bool_)
    for mask, grid in zip(masks, grids, strict=True):
        if (grid > threshold).any():  # interpolation never rises above its largest input
            np.greater(resample(grid, image_size, original_size), np.float32(threshold), out=mask)
    return masks
