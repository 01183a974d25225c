"""Puts pictures side by side on one sheet, with captions."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_BACKGROUND = (250, 250, 250)
_INK = (39, 39, 42)
_GAP_PX = 12
_HIGHEST = 0.6  # of a column's width: portraits side by side would tower over the rest


def captioned(picture: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    """The picture (uint8, [H, W, 3]) with a line of text above it."""
    size = max(13, round(max(picture.shape[:2]) / 42))
    strip = Image.new("RGB", (picture.shape[1], round(size * 1.7)), _BACKGROUND)
    font = ImageFont.load_default(size)
    ImageDraw.Draw(strip).text((2, strip.height // 2), caption, fill=_INK, font=font, anchor="lm")
    return np.concatenate([np.array(strip), picture])


def side_by_side(
    left_picture: NDArray[np.uint8], left_caption: str, right_picture: NDArray[np.uint8], right_caption: str
) -> NDArray[np.uint8]:
    """Two pictures of one size under their captions."""
    left, right = captioned(left_picture, left_caption), captioned(right_picture, right_caption)
    gap = np.full((left.shape[0], _GAP_PX, 3), _BACKGROUND, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def contact_sheet(pictures: Sequence[NDArray[np.uint8]], *, columns: int = 2, width: int = 960) -> NDArray[np.uint8]:
    """Pictures of any sizes in rows of `columns`; each is fitted into the width of a column.

    Args:
        pictures: uint8, [H, W, 3] each; at least one.
        width: Of a column, in pixels.

    Returns:
        uint8, [height of all rows, width of all columns, 3].
    """
    columns = min(columns, len(pictures))
    fitted = [_fit(picture, width) for picture in pictures]
    rows = [_row(fitted[start : start + columns], columns, width) for start in range(0, len(fitted), columns)]
    bottom = np.full((_GAP_PX, rows[0].shape[1], 3), _BACKGROUND, np.uint8)
    return np.concatenate([*rows, bottom])


def _row(pictures: Sequence[NDArray[np.uint8]], columns: int, width: int) -> NDArray[np.uint8]:
    height = max(picture.shape[0] for picture in pictures)
    row = np.full((_GAP_PX + height, _GAP_PX + columns * (width + _GAP_PX), 3), _BACKGROUND, np.uint8)
    for index, picture in enumerate(pictures):
        top = _GAP_PX + (height - picture.shape[0]) // 2
        left = _GAP_PX + index * (width + _GAP_PX) + (width - picture.shape[1]) // 2
        row[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return row


def _fit(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    scale = min(width / picture.shape[1], _HIGHEST * width / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)
