"""Draws what was found into an image: a tint, an outline and a label for each object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sparseinst.imaging.palette import Colour, colour, ink_on

if TYPE_CHECKING:
    from sparseinst.data.categories import Category
    from sparseinst.evaluation.instances import Instances

_Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom

_RIM = (20, 20, 20)  # a dark line around bright colours can be seen on any ground
_TINT = 0.42  # the part of an object's colour in its pixels
_SMALLEST_SIDE_PX = 480  # smaller images are enlarged, so that labels and outlines are fine in comparison
_CROWD = 12  # from so many objects on, those smaller than their label go without: labels would hide the picture


def draw(
    image: NDArray[np.uint8],
    found: Instances,
    categories: Sequence[Category],
    *,
    with_scores: bool = True,
) -> NDArray[np.uint8]:
    """The image with every instance in its own colour; large objects lie below small ones.

    Args:
        image: uint8, [H, W, 3].
        found: Instances with masks [n, H, W].
        categories: Names for the instances' classes.
        with_scores: Whether labels carry the score; ground truth has none.

    Returns:
        uint8, [H', W', 3]. Images with a longer side under 480 pixels come back enlarged.
    """
    scale = max(1.0, _SMALLEST_SIDE_PX / max(image.shape[:2]))
    height, width = round(image.shape[0] * scale), round(image.shape[1] * scale)
    canvas = image.copy()
    if scale > 1:
        canvas = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    masks = [_enlarged(mask, width, height) for mask in found.masks]
    order = sorted(range(len(masks)), key=lambda index: -int(masks[index].sum()))
    thickness = max(1, round(max(height, width) / 400))
    for index in order:
        _tint(canvas, masks[index], colour(index))
    for index in order:
        _outline(canvas, masks[index], colour(index), thickness)
    labels = []
    for index, mask in enumerate(masks):
        if mask.any():
            name = categories[int(found.classes[index])].name
            text = f"{name} {found.scores[index]:.2f}" if with_scores else name
            labels.append(_Label(text, colour(index), mask))
    return _write_labels(canvas, labels)


@dataclass(frozen=True, slots=True)
class _Label:
    text: str
    background: Colour
    mask: NDArray[np.uint8]


def _enlarged(mask: NDArray[np.bool_], width: int, height: int) -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(mask, dtype=np.uint8)
    if mask.shape == (height, width):
        return pixels
    soft = cv2.resize(pixels * 255, (width, height), interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(soft, (0, 0), 0.4 * width / mask.shape[1])  # the outline without the old pixels' steps
    return (soft > 127).astype(np.uint8)


def _tint(canvas: NDArray[np.uint8], mask: NDArray[np.uint8], ink: Colour) -> None:
    inside = mask.astype(bool)
    canvas[inside] = (canvas[inside] * (1 - _TINT) + np.array(ink) * _TINT).astype(np.uint8)


def _outline(canvas: NDArray[np.uint8], mask: NDArray[np.uint8], ink: Colour, thickness: int) -> None:
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, _RIM, thickness + 2, cv2.LINE_AA)
    cv2.drawContours(canvas, contours, -1, ink, thickness, cv2.LINE_AA)


def _label_point(mask: NDArray[np.uint8]) -> tuple[int, int]:
    """The (x, y) deepest inside the object: a label there cannot be taken for a neighbour's."""
    depth = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(x) - 1, int(y) - 1


def _write_labels(canvas: NDArray[np.uint8], labels: Sequence[_Label]) -> NDArray[np.uint8]:
    """Rounded boxes with text, best first: inside the object where they fit, above it where it is small.

    One that would cover another moves down or up to the nearest free place.
    """
    height, width = canvas.shape[:2]
    size = max(12, round(max(height, width) / 42))
    font = ImageFont.load_default(size)
    padding = max(2, size // 4)
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    taken: list[_Box] = []
    for label in labels:
        box_width, box_height = round(pen.textlength(label.text, font=font)) + 2 * padding, size + 2 * padding
        _, object_top, object_width, object_height = cv2.boundingRect(label.mask)
        x, y = _label_point(label.mask)
        if object_height < 2 * box_height:
            if len(labels) >= _CROWD and object_width < box_width:
                continue
            y = object_top - box_height // 2 - 2
        left = min(max(0, x - box_width // 2), max(0, width - box_width))
        top = min(max(0, y - box_height // 2), max(0, height - box_height))
        top = _free_row(taken, (left, top, left + box_width, top + box_height), height)
        taken.append((left, top, left + box_width, top + box_height))
        pen.rounded_rectangle(taken[-1], radius=padding, fill=label.background, outline=_RIM)
        ink = ink_on(label.background)
        pen.text((left + padding, top + box_height // 2), label.text, fill=ink, font=font, anchor="lm")
    return np.array(picture)


def _free_row(taken: Sequence[_Box], wanted: _Box, bottom: int) -> int:
    """The top of the free place nearest to the wanted (left, top, right, bottom), or the wanted one if all is full."""
    left, top, right, _ = wanted
    height = wanted[3] - top
    for shift in range(0, 6 * height, max(1, height // 4)):
        for row in (top + shift, top - shift):
            fits = 0 <= row <= bottom - height
            if fits and not any(left < b[2] and b[0] < right and row < b[3] and b[1] < row + height for b in taken):
                return row
    return top
