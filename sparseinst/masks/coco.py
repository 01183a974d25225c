"""COCO's ways to write a mask (polygons, RLE as a list of counts, RLE as a string) to and from pixels.

Pixels come from pycocotools, because its rules are what COCO's own numbers are computed with; many masks become RLEs by
hotcoco, which writes the same bytes sooner.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import hotcoco.mask
import numpy as np
import numpy.typing as npt
from pycocotools import mask as pycocotools_mask

Polygons: TypeAlias = list[list[float]]
Rle: TypeAlias = dict[str, Any]
Segmentation: TypeAlias = Polygons | Rle

# A pixel's centre is 0.5 from the nearest pixel edge: an outline that moves by less leaves every pixel on its side.
_OUTLINE_TOLERANCE_PX = 0.49


def segmentation_to_mask(segmentation: Segmentation, height: int, width: int) -> npt.NDArray[np.uint8]:
    """The pixels of a COCO segmentation of any form.

    Args:
        segmentation: Polygons [[x0, y0, x1, y1, …], …] in pixels, whose union is meant, or an RLE object
            {"size": [height, width], "counts": list or str}. It must have passed `load_coco`:
            pycocotools reads a damaged RLE beyond its end.

    Returns:
        uint8 [height, width], 1 inside and 0 outside. Parts of polygons outside the image are cut off.
    """
    mask: npt.NDArray[np.uint8] = pycocotools_mask.decode(segmentation_to_rle(segmentation, height, width))
    return mask


def segmentation_to_rle(segmentation: Segmentation, height: int, width: int) -> Rle:
    """The same mask as one compressed RLE with `counts` as bytes: the form that pycocotools computes with."""
    if isinstance(segmentation, dict):
        if isinstance(segmentation["counts"], list):
            rle: Rle = pycocotools_mask.frPyObjects(segmentation, height, width)
            return rle
        return segmentation
    if not segmentation:
        return {"size": [height, width], "counts": pycocotools_mask.encode(_empty(height, width))["counts"]}
    merged: Rle = pycocotools_mask.merge(pycocotools_mask.frPyObjects(segmentation, height, width))
    return merged


def encode_masks(masks: npt.NDArray[np.bool_]) -> list[Rle]:
    """Compressed RLEs with `counts` as bytes of bool [n, H, W]; several times as fast where memory lies by columns."""
    if masks.size == 0:
        height, width = masks.shape[1:]
        return [segmentation_to_rle([], height, width) for _ in masks]
    return hotcoco.mask.encode(masks.transpose(1, 2, 0))  # type: ignore[return-value]  # one each, of a stack


def mask_to_rle(mask: npt.NDArray[Any]) -> Rle:
    """A mask [H, W] (0 is outside) as a compressed RLE that JSON can hold: `counts` is a str."""
    rle = pycocotools_mask.encode(np.asfortranarray(mask != 0, dtype=np.uint8))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def mask_to_counts(mask: npt.NDArray[Any]) -> Rle:
    """A mask [H, W] (0 is outside) as an uncompressed RLE: lengths of the runs down the columns, outside first."""
    pixels = (mask != 0).ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    runs = np.diff(np.concatenate([[0], changes, [pixels.size]])).tolist()
    return {"size": [int(side) for side in mask.shape], "counts": [0, *runs] if pixels[:1].any() else runs}


def counts_of_rle_string(text: str) -> list[int]:
    """The run lengths in a compressed RLE: what pycocotools reads, but with its end and its letters checked.

    Every number is written in groups of 5 bits, lowest first, as characters from "0" on; bit 6 says that more
    follow. From the fourth on, a number is the difference to the one two places before (pycocotools' maskApi.c).

    Raises:
        ValueError: The text has a letter that no RLE has, or ends within a number.
    """
    counts: list[int] = []
    value, shift = 0, 0
    for letter in text:
        group = ord(letter) - 48
        if not 0 <= group < 64:
            raise ValueError(f"the counts have the letter {letter!r}, which no RLE has")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise ValueError("the counts end in the middle of a number")
    return counts


def mask_to_polygons(mask: npt.NDArray[Any]) -> Polygons | None:
    """A mask [H, W] (0 is outside) as polygons along the pixel edges, one for each part.

    Returns:
        Polygons that decode to exactly the same pixels, or None where no such polygons exist: COCO's polygons
        are a union, so they cannot say that a mask has a hole.
    """
    polygons = mask_to_outlines(mask)
    height, width = mask.shape
    if not polygons:
        return None
    return polygons if np.array_equal(segmentation_to_mask(polygons, height, width), mask != 0) else None


def mask_to_outlines(mask: npt.NDArray[Any]) -> Polygons:
    """The outer outlines of a mask [H, W] (0 is outside) along the pixel edges, one for each part; holes are filled."""
    top, left, window = _cut_to_content(mask != 0)
    if not window.size:
        return []
    # Every pixel becomes 2 x 2, so that a contour through pixel centres can be rounded to the edge it runs along.
    doubled = np.repeat(np.repeat(window.astype(np.uint8), 2, axis=0), 2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    edges = ((contour + 1) // 2 + np.array([left, top], np.int32) for contour in contours)
    polygons = [cv2.approxPolyDP(edge, _OUTLINE_TOLERANCE_PX, True).ravel().tolist() for edge in edges]
    return [polygon for polygon in polygons if len(polygon) >= 6]


def mask_to_segmentation(mask: npt.NDArray[Any]) -> Segmentation:
    """Polygons where they say exactly the same as the mask, compressed RLE otherwise."""
    polygons = mask_to_polygons(mask)
    return mask_to_rle(mask) if polygons is None else polygons


def _empty(height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.zeros((height, width), np.uint8, order="F")


def _cut_to_content(inside: npt.NDArray[np.bool_]) -> tuple[int, int, npt.NDArray[np.bool_]]:
    """The first row and the first column with a pixel inside, and the part of the mask that holds all of them."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return 0, 0, inside[:0, :0]
    return int(rows[0]), int(columns[0]), inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
