"""Whether a COCO segmentation says a mask at all.

SEG-EMPTY       no polygon, or an RLE without a pixel
SEG-TYPE        neither a list of polygons nor an RLE object
SEG-POLY-SHORT  a polygon with fewer than 3 points
SEG-POLY-ODD    an x without its y
SEG-NUMBER      something that is not a finite number
SEG-RLE-SIZE    an RLE whose size is not the image's
SEG-RLE-COUNTS  counts that are damaged, or do not fill the image
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from sparseinst.data.checks.findings import Finding
from sparseinst.masks.coco import counts_of_rle_string

_DELETE = "Delete the annotation, or draw the object again"


def check_segmentation(segmentation: Any, pointer: str, size: tuple[int, int] | None) -> Iterator[Finding]:
    """Findings in one segmentation; `size` is the image's (height, width), or None where it is not known."""
    if isinstance(segmentation, dict):
        yield from _check_rle(segmentation, pointer, size)
    elif not segmentation:
        yield Finding("SEG-EMPTY", pointer, "there is no polygon", _DELETE)
    elif not any(isinstance(polygon, list) for polygon in segmentation):
        fix = "Write [[x0, y0, x1, y1, ...], ...]: one inner list for each part"
        yield Finding("SEG-TYPE", pointer, "the list holds no polygons", fix)
    else:
        for number, polygon in enumerate(segmentation):
            yield from _check_polygon(polygon, f"{pointer}/{number}")


def _check_polygon(polygon: Any, pointer: str) -> Iterator[Finding]:
    if not isinstance(polygon, list):
        yield Finding("SEG-TYPE", pointer, f"{polygon!r:.40} is not a list of coordinates", _DELETE)
        return
    if not all(_is_finite(value) for value in polygon):
        yield Finding("SEG-NUMBER", pointer, "a coordinate is not a finite number", _DELETE)
    if len(polygon) % 2:
        fix = "Add the y that is missing, or delete the polygon"
        yield Finding("SEG-POLY-ODD", pointer, f"{len(polygon)} numbers are no pairs of x and y", fix)
    if len(polygon) // 2 < 3:
        problem = f"the polygon has {len(polygon) // 2} points; an outline needs 3"
        yield Finding("SEG-POLY-SHORT", pointer, problem, "Delete the polygon, or draw the object again")


def _check_rle(rle: dict[str, Any], pointer: str, image: tuple[int, int] | None) -> Iterator[Finding]:
    size = rle.get("size")
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)):
        fix = "Write the image's [height, width]"
        yield Finding("SEG-RLE-SIZE", f"{pointer}/size", f"the size is {size!r:.40}, not two sides in pixels", fix)
        return
    if image is not None and tuple(size) != image:
        turned = " (width and height are swapped)" if tuple(size) == image[::-1] else ""
        problem = f"the size is {size}, the image is {list(image)}{turned}"
        yield Finding("SEG-RLE-SIZE", f"{pointer}/size", problem, "Encode the mask at the image's size")
        return
    try:
        counts = _counts(rle.get("counts"))
    except ValueError as error:
        yield Finding("SEG-RLE-COUNTS", f"{pointer}/counts", str(error), "Encode the mask again")
        return
    if sum(counts) != size[0] * size[1]:
        problem = f"the counts sum to {sum(counts)}, the image has {size[0] * size[1]} pixels"
        yield Finding("SEG-RLE-COUNTS", f"{pointer}/counts", problem, "Encode the mask again")
    elif not sum(counts[1::2]):
        yield Finding("SEG-EMPTY", f"{pointer}/counts", "the mask has no pixel", _DELETE)


def _counts(counts: Any) -> list[int]:
    """Run lengths of either form of RLE.

    Raises:
        ValueError: They are damaged; the message says how.
    """
    if isinstance(counts, str):
        counts = counts_of_rle_string(counts)
    if not isinstance(counts, list):
        raise ValueError("the counts are neither a list nor a text")
    if not all(isinstance(run, int) and run >= 0 for run in counts):
        raise ValueError("a count is not a whole number from 0 up")
    return counts


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
