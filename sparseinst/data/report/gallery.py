"""Pictures of annotated images: which ones, how they are drawn, and what is said about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparseinst.data.categories import Category
from sparseinst.data.report.table import SplitTable
from sparseinst.evaluation.instances import Instances
from sparseinst.imaging.overlay import draw
from sparseinst.masks.coco import Segmentation, segmentation_to_mask
from sparseinst.pages.words import counted, number

_WIDEST_PX, _HIGHEST_PX = 480, 640
_JPEG_QUALITY = 82  # 24 pictures are about 1.5 MB of text in the page
_LONGEST_LABEL = 40  # letters; more would not fit
_NAMED = 4  # classes in a caption


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the gallery.

    Attributes:
        split: The name of its split.
        file_name: As the annotation file has it.
        jpeg: The image with its objects drawn in, encoded.
        facts: What the caption says, e.g. ("640 × 480 px", "3 objects", "person 2, dog").
    """

    split: str
    file_name: str
    jpeg: bytes
    facts: tuple[str, ...] = ()


def draw_picture(
    image: NDArray[np.uint8],
    segmentations: Sequence[Segmentation],
    classes: Sequence[int],
    categories: Sequence[Category],
) -> bytes:
    """The image with its objects as a JPEG, at most 480 pixels wide and 640 high.

    Args:
        image: uint8, [H, W, 3].
        segmentations: The objects' masks, which must have passed the checks.
        classes: The place of each object's class in `categories`.
    """
    height, width = image.shape[:2]
    scale = min(1.0, _WIDEST_PX / width, _HIGHEST_PX / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8) if scale < 1 else image
    masks = [_shrunk(segmentation_to_mask(segmentation, height, width), size) for segmentation in segmentations]
    order = sorted(range(len(masks)), key=lambda index: -int(masks[index].sum()))  # labels: large objects first
    found = Instances(
        scores=np.ones(len(masks), np.float32),
        classes=np.array([classes[index] for index in order], np.int64),
        masks=np.array([masks[index] for index in order], np.bool_).reshape(-1, size[1], size[0]),
    )
    labels = [Category(category.id, _writable(category.name)) for category in categories]
    drawn = draw(small, found, labels, with_scores=False)
    content = BytesIO()
    Image.fromarray(drawn).save(content, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return content.getvalue()


def _writable(name: str) -> str:
    """The name as a label in a picture, where there is one line and no character without a shape."""
    return "".join(letter if letter.isprintable() else " " for letter in name[:_LONGEST_LABEL])


def _shrunk(mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask at (width, height). An object that would vanish keeps every pixel that it touches."""
    if mask.shape == (size[1], size[0]):
        return mask.astype(np.bool_)
    parts = cv2.resize(np.ascontiguousarray(mask) * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    inside = parts > 127
    return np.asarray(inside if inside.any() else parts > 0, np.bool_)


def describe(split: SplitTable, image: int, categories: Sequence[Category]) -> tuple[str, ...]:
    """The facts for the caption of the image in this row."""
    here = split.image == image
    crowds = int(np.count_nonzero(here & split.crowd))
    counts = np.bincount(split.category[here & ~split.crowd], minlength=len(categories))
    order = [index for index in np.argsort(-counts, kind="stable").tolist() if counts[index]]
    named = [
        f"{categories[index].name} {number(int(counts[index]))}" if counts[index] > 1 else categories[index].name
        for index in order[:_NAMED]
    ]
    if len(order) > _NAMED:
        named.append(f"{counted(len(order) - _NAMED, 'more class', 'more classes')}")
    facts = (
        f"{number(int(split.widths[image]))} × {number(int(split.heights[image]))} px",
        counted(int(counts.sum()), "object") if order else "no objects",
        ", ".join(named),
        counted(crowds, "crowd region") if crowds else "",
    )
    return tuple(fact for fact in facts if fact)
