"""What the masks of many annotations are once they are drawn: pixels, boxes, and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as pycocotools_mask

from sparseinst.data.checks.local import Local
from sparseinst.masks.coco import segmentation_to_rle

_AREA_SHARE = 0.2
_BOX_PX = 4
_CORNER_PX = 1.5  # narrower: being right in another reading must be no accident
_FULL_SHARE = 0.995
_BATCH = 250  # pycocotools 2.0.11 measures at most 255 masks in a call
_MOST_PARTS = 64  # are compared with each other

Rle = dict[str, Any]


def encode(segmentations: Sequence[Any], sizes: npt.NDArray[np.int64]) -> list[Rle]:
    """The masks as pycocotools draws them; sizes are (height, width), int64 [A, 2]."""
    pairs = zip(segmentations, sizes.tolist(), strict=True)
    return [segmentation_to_rle(segmentation, height, width) for segmentation, (height, width) in pairs]


def measure(rles: Sequence[Rle]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pixels [A], boxes x, y, width, height [A, 4], and hashes [A] of the masks, all int64."""
    if not rles:
        return np.zeros(0, np.int64), np.zeros((0, 4), np.int64), np.zeros(0, np.int64)
    batches = [list(rles[start : start + _BATCH]) for start in range(0, len(rles), _BATCH)]
    areas = np.concatenate([pycocotools_mask.area(batch) for batch in batches]).astype(np.int64)
    boxes = np.concatenate([pycocotools_mask.toBbox(batch) for batch in batches]).astype(np.int64)
    boxes[areas == 0] = 0
    digests = b"".join(blake2b(_code(rle), digest_size=8).digest() for rle in rles)
    return areas, boxes, np.frombuffer(digests, np.int64)


def wrong_areas(areas: npt.NDArray[np.int64], written: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The rows whose written area (NaN where there is none) is too far from the mask's, in proportion to the larger."""
    return np.flatnonzero(np.abs(areas - written) > _AREA_SHARE * np.maximum(areas, written))


def wrong_boxes(boxes: npt.NDArray[np.int64], written: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The rows whose written box (NaN where there is none) is too far from the mask's, in any of its numbers."""
    return np.flatnonzero((np.abs(boxes - written) > _BOX_PX).any(1))


def says_corners(box: npt.NDArray[np.int64], written: npt.NDArray[np.float64]) -> bool:
    """Whether a box that is wrong as [x, y, width, height] is right as [left, top, right, bottom]."""
    corners = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
    return bool((np.abs(corners - written) <= _CORNER_PX).all()) and bool(box[2:].any())


def check_mask(segmentation: Any, rle: Rle, area: int, size: tuple[int, int]) -> Iterator[Local]:
    """What is odd about one mask: no pixel, every pixel, or a part inside another."""
    place = "/segmentation"
    if area == 0 and not isinstance(segmentation, dict):
        fix = "Delete the annotation, or draw the object again"
        yield Local("SEG-NO-PIXEL", place, "the polygons cover no pixel of the image", fix)
    elif area >= _FULL_SHARE * size[0] * size[1]:
        problem = f"the mask covers {100 * area / (size[0] * size[1]):.1f} % of the image"
        yield Local("SEG-FULL", place, problem, "Look at it: a mask that was inverted by mistake looks like this")
    if isinstance(segmentation, list) and len(segmentation) > 1:
        yield from _swallowed(segmentation, area, size)


def _swallowed(segmentation: list[list[float]], area: int, size: tuple[int, int]) -> Iterator[Local]:
    parts = pycocotools_mask.frPyObjects(segmentation, *size)[:_MOST_PARTS]
    areas = [int(value) for value in pycocotools_mask.area(parts)]
    if sum(areas) <= area:
        return  # no two parts overlap
    for number, part in enumerate(parts):
        for other, container in enumerate(parts):
            smaller = areas[number] < areas[other]
            if smaller and areas[number] and _common(part, container) == areas[number]:
                problem = f"the polygon lies inside number {other}: the union fills it"
                fix = "Write masks with holes as RLE, or delete the inner polygon"
                yield Local("SEG-HOLE", f"/segmentation/{number}", problem, fix)
                break


def _common(one: Rle, other: Rle) -> int:
    return int(pycocotools_mask.area(pycocotools_mask.merge([one, other], intersect=True)))


def _code(rle: Rle) -> bytes:
    counts = rle["counts"]
    return counts if isinstance(counts, bytes) else str(counts).encode("ascii", "replace")
