"""Whether a COCO segmentation says a mask at all: the SEG-… errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparseinst.data.checks.local import Local, is_finite, is_int, shorten
from sparseinst.masks.coco import counts_of_rle_string

_DELETE = "Delete the annotation, or draw the object again"
_FAR_SIDES, _FAR_PX = 10, 10_000  # times the longer side, and at least so many pixels


def check_segmentation(segmentation: Any, size: tuple[int, int] | None) -> Iterator[Local]:
    """Findings in one segmentation; `size` is the image's (height, width), or None where it is not known."""
    if isinstance(segmentation, dict):
        yield from _check_rle(segmentation, size)
    elif not isinstance(segmentation, list):
        problem = f"the segmentation is {shorten(segmentation)}"
        yield Local("SEG-TYPE", "", problem, "It must be a list of polygons or an RLE object")
    elif not segmentation:
        yield Local("SEG-EMPTY", "", "there is no polygon", _DELETE)
    elif not any(isinstance(polygon, list) for polygon in segmentation):
        fix = "Write [[x0, y0, x1, y1, ...], ...]: one inner list for each part"
        yield Local("SEG-TYPE", "", "the list holds no polygons", fix)
    else:
        for number, polygon in enumerate(segmentation):
            yield from _check_polygon(polygon, f"/{number}", size)


def farthest(size: tuple[int, int] | None) -> float:
    """The largest coordinate that can still be meant, in pixels; negative ones likewise.

    Drawing costs time and memory in proportion to an outline's length, so one from here to the moon is refused.
    """
    return max(_FAR_PX, _FAR_SIDES * max(size)) if size else _FAR_PX


def _check_polygon(polygon: Any, place: str, size: tuple[int, int] | None) -> Iterator[Local]:
    if not isinstance(polygon, list):
        yield Local("SEG-TYPE", place, f"{shorten(polygon)} is not a list of coordinates", _DELETE)
        return
    wrong = next((value for value in polygon if not is_finite(value)), None)
    if wrong is not None or None in polygon:
        yield Local("SEG-NUMBER", place, f"the coordinate {shorten(wrong)} is not a finite number", _DELETE)
    elif polygon and max(map(abs, polygon)) > farthest(size):
        problem = f"a coordinate is {max(polygon, key=abs):g}: no image reaches so far"
        yield Local("SEG-FAR", place, problem, "Write coordinates in pixels of the image")
    if len(polygon) % 2:
        fix = "Add the y that is missing, or delete the polygon"
        yield Local("SEG-POLY-ODD", place, f"{len(polygon)} numbers are no pairs of x and y", fix)
    if len(polygon) // 2 < 3:
        problem = f"the polygon has {len(polygon) // 2} points; an outline needs 3"
        yield Local("SEG-POLY-SHORT", place, problem, "Delete the polygon, or draw the object again")


def _check_rle(rle: dict[str, Any], image: tuple[int, int] | None) -> Iterator[Local]:
    size = rle.get("size")
    if not (isinstance(size, list) and len(size) == 2 and all(is_int(side) and side > 0 for side in size)):
        problem = f"the size is {size!r:.40}, not two sides in pixels"
        yield Local("SEG-RLE-SIZE", "/size", problem, "Write the image's [height, width]")
        return
    if image is not None and tuple(size) != image:
        turned = " (width and height are swapped)" if tuple(size) == image[::-1] else ""
        problem = f"the size is {size}, the image is {list(image)}{turned}"
        yield Local("SEG-RLE-SIZE", "/size", problem, "Encode the mask at the image's size")
        return
    try:
        counts = _counts(rle.get("counts"))
    except ValueError as error:
        yield Local("SEG-RLE-COUNTS", "/counts", str(error), "Encode the mask again")
        return
    if sum(counts) != size[0] * size[1]:
        problem = f"the counts sum to {sum(counts)}, the image has {size[0] * size[1]} pixels"
        yield Local("SEG-RLE-COUNTS", "/counts", problem, "Encode the mask again")
    elif not sum(counts[1::2]):
        yield Local("SEG-EMPTY", "/counts", "the mask has no pixel", _DELETE)


def _counts(counts: Any) -> list[int]:
    """Run lengths of either form of RLE.

    Raises:
        ValueError: They are damaged; the message says how.
    """
    if isinstance(counts, str):
        if counts.startswith(("b'", 'b"')):
            raise ValueError("the counts are Python bytes written as text: decode them to ASCII before json.dump")
        counts = counts_of_rle_string(counts)
    if not isinstance(counts, list):
        raise ValueError("the counts are neither a list nor a text")
    if not all(is_int(run) and run >= 0 for run in counts):
        raise ValueError("a count is not a whole number from 0 up")
    return counts
