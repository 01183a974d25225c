"""Probabilities on the network's grid to masks in the original image, in bounded memory.

Legend: n instances, h and w the sides of the original image.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sparseinst.masks.coco import Rle, encode_masks
from sparseinst.masks.resample import Frame, resample

_CHUNK_BYTES = 256 << 20  # what the masks of one step may take while they are enlarged


def enlarge_masks(grids: Tensor, frame: Frame, threshold: float) -> Tensor:
    """The pixels above the threshold: bool [n, h, w] on the device of the grids.

    The probabilities are enlarged to the padded image, cut to the image without padding, resized to the original one
    (bilinear both times), and then compared. Beside the result at most `_CHUNK_BYTES` are taken.

    Args:
        grids: float32 [n, h', w'], over the padded image.
        frame: The sizes of the padded image, of the image, and of the original: (h, w).
    """
    if grids.device.type == "cpu":
        return torch.from_numpy(_with_opencv(grids.numpy(), frame, threshold))
    masks = torch.empty((len(grids), *frame.original), dtype=torch.bool, device=grids.device)
    pixels = frame.padded[0] * frame.padded[1] + frame.original[0] * frame.original[1]
    step = max(1, _CHUNK_BYTES // (4 * pixels))
    for start in range(0, len(grids), step):
        chunk = grids[None, start : start + step]
        chunk = F.interpolate(chunk, size=frame.padded, mode="bilinear", align_corners=False)
        chunk = chunk[:, :, : frame.image[0], : frame.image[1]]
        if chunk.shape[2:] != frame.original:
            chunk = F.interpolate(chunk, size=frame.original, mode="bilinear", align_corners=False)
        torch.gt(chunk[0], threshold, out=masks[start : start + step])
    return masks


def enlarge_in_columns(grids: Tensor, frame: Frame, threshold: float) -> NDArray[np.bool_]:
    """The same masks on the CPU, bool [n, h, w], whose memory lies column by column: the order of COCO's RLE."""
    turned = grids.transpose(1, 2).contiguous()
    return enlarge_masks(turned, frame.turned(), threshold).cpu().numpy().transpose(0, 2, 1)


def encode_enlarged(grids: Tensor, frame: Frame, threshold: float) -> list[Rle]:
    """The same masks as compressed COCO RLE, made a few at a time so that never all of them are held as pixels."""
    step = max(1, _CHUNK_BYTES // (frame.original[0] * frame.original[1]))
    return [
        rle
        for start in range(0, len(grids), step)
        for rle in encode_masks(enlarge_in_columns(grids[start : start + step], frame, threshold))
    ]


def _with_opencv(grids: NDArray[np.float32], frame: Frame, threshold: float) -> NDArray[np.bool_]:
    masks = np.zeros((len(grids), *frame.original), np.bool_)  # pages that are never written to take no memory
    for mask, grid in zip(masks, grids, strict=True):
        inside = grid > threshold
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if len(rows):
            window = (_reach(rows, 0, grid, frame), _reach(columns, 1, grid, frame))
            np.greater(resample(grid, frame)[window], np.float32(threshold), out=mask[window])
    return masks


def _reach(cells: NDArray[np.int64], axis: int, grid: NDArray[np.float32], frame: Frame) -> slice:
    """The original pixels along an axis that cells can bear upon: interpolation never rises above its inputs."""
    pixels_a_cell = frame.padded[axis] / grid.shape[axis] * frame.original[axis] / frame.image[axis]
    margin = 2 + frame.original[axis] / frame.image[axis]
    first, last = (cells[0] - 1) * pixels_a_cell - margin, (cells[-1] + 2) * pixels_a_cell + margin
    return slice(max(0, int(first)), max(0, int(last) + 1))
