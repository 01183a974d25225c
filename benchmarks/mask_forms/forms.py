"""The forms that were considered. Each turns grids of signed distances into masks and says what it sends for that.

Legend: n instances, h x w the grid over the padded image (a quarter of its sides). A distance is a probability minus
the mask threshold t, so it lies in [-t, 1 - t].
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sparseinst.export.contract import CROP_CELLS
from sparseinst.masks.coco import encode_masks
from sparseinst.masks.resample import Frame, resample

Grids = NDArray[np.float32]
Masks = NDArray[np.bool_]

_BEST = 20


@dataclass(frozen=True)
class Form:
    """One way to send masks.

    Attributes:
        name: In the table.
        masks: Grids [n, h, w], the frame and t to masks, bool [n, *frame.original].
        sizes: What it sends: n, h, w and the masks to bytes.
    """

    name: str
    masks: Callable[[Grids, Frame, float], Masks]
    sizes: Callable[[int, int, int, Masks], int]


def forms() -> list[Form]:
    """The first one is what all others are held against."""
    return [
        Form("float32, a quarter", _per_grid(lambda d, t: d), lambda n, h, w, m: 4 * n * h * w),
        Form("8-bit codes, a quarter", _per_grid(_coded(127)), lambda n, h, w, m: n * h * w),
        Form("8-bit even steps, a quarter", _per_grid(_even), lambda n, h, w, m: n * h * w),
        Form("4-bit codes, a quarter", _per_grid(_coded(7)), lambda n, h, w, m: n * h * w // 2),
        Form("2-bit codes, a quarter", _per_grid(_two_bits), lambda n, h, w, m: n * h * w // 4),
        Form("bits, full size", _enlarged_bits(4), lambda n, h, w, m: n * 2 * h * w),
        Form("bits, half size", _enlarged_bits(2), lambda n, h, w, m: n * h * w // 2),
        Form("bits, a quarter", _per_grid(_sign), lambda n, h, w, m: n * h * w // 8),
        Form("8-bit codes, an eighth", _per_grid(_halved), lambda n, h, w, m: n * h * w // 4),
        Form(f"8-bit codes, boxes of {CROP_CELLS}", _per_grid(_cropped), lambda n, h, w, m: n * (CROP_CELLS**2 + 24)),
        Form(f"8-bit codes, a quarter, best {_BEST}", _best, lambda n, h, w, m: min(n, _BEST) * h * w),
        Form("RLE, original size", _per_grid(lambda d, t: d), lambda n, h, w, m: _rle_bytes(m)),
    ]


def _per_grid(change: Callable[[Grids, float], Grids]) -> Callable[[Grids, Frame, float], Masks]:
    """The form loses what `change` does to one grid [h, w]."""

    def masks(grids: Grids, frame: Frame, threshold: float) -> Masks:
        return _stack((resample(change(grid, threshold), frame) > 0 for grid in grids), len(grids), frame)

    return masks


def _stack(masks: Iterator[Masks], count: int, frame: Frame) -> Masks:
    stacked = np.zeros((count, *frame.original), np.bool_)
    for place, mask in zip(stacked, masks, strict=True):
        place[:] = mask
    return stacked


def _reach(distance: Grids, threshold: float) -> Grids:
    return np.where(distance > 0, np.float32(1 - threshold), np.float32(threshold))


def _coded(steps: int) -> Callable[[Grids, float], Grids]:
    """Square-root companded, as in the contract, with so many steps on either side."""

    def change(distance: Grids, threshold: float) -> Grids:
        reach = _reach(distance, threshold)
        code = np.round(steps * np.sign(distance) * np.sqrt(np.abs(distance) / reach)) / steps
        return (np.sign(code) * code**2 * reach).astype(np.float32)

    return change


def _even(distance: Grids, threshold: float) -> Grids:
    return (np.round((distance + threshold) * 255) / 255 - threshold).astype(np.float32)


def _two_bits(distance: Grids, threshold: float) -> Grids:
    share = np.abs(distance) / _reach(distance, threshold)
    return (np.where(distance > 0, 1, -1) * np.where(share > 0.25, 0.6, 0.08)).astype(np.float32)


def _sign(distance: Grids, threshold: float) -> Grids:
    return np.where(distance > 0, np.float32(1), np.float32(-1))


def _enlarged_bits(factor: int) -> Callable[[Grids, Frame, float], Masks]:
    def change(distance: Grids, threshold: float) -> Grids:
        height, width = distance.shape
        return _sign(cv2.resize(distance, (width * factor, height * factor)), threshold)  # type: ignore[arg-type]

    return _per_grid(change)


def _halved(distance: Grids, threshold: float) -> Grids:
    height, width = distance.shape
    small = cv2.resize(distance, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return _coded(127)(small, threshold)  # type: ignore[arg-type]


def _cropped(distance: Grids, threshold: float) -> Grids:
    """As in the contract: the box around what is inside, one cell wider; a long side is drawn on fewer cells."""
    rows, columns = np.flatnonzero((distance > 0).any(1)), np.flatnonzero((distance > 0).any(0))
    pasted = np.full_like(distance, -threshold)
    if not len(rows):
        return pasted
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    box = distance[top : rows[-1] + 2, left : columns[-1] + 2]
    height, width = box.shape
    sides = (min(width, CROP_CELLS), min(height, CROP_CELLS))
    sent = _coded(127)(cv2.resize(box, sides, interpolation=cv2.INTER_LINEAR), threshold)  # type: ignore[arg-type]
    pasted[top : rows[-1] + 2, left : columns[-1] + 2] = cv2.resize(sent, (width, height))
    return pasted


def _best(grids: Grids, frame: Frame, threshold: float) -> Masks:
    """Instances come best first; what is not sent has no mask."""
    masks = _per_grid(_coded(127))(grids, frame, threshold)
    masks[_BEST:] = False
    return masks


def _rle_bytes(masks: Masks) -> int:
    texts = [{"size": rle["size"], "counts": rle["counts"].decode()} for rle in encode_masks(masks)]
    return len(json.dumps(texts))
