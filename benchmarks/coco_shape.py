"""Annotation files of COCO's size and shape, for measuring: train2017 has 118 287 images and 860 001 instances.

Run: python -m benchmarks.coco_shape FILE [--images 118287] [--instances 860001] [--categories 80] [--seed 0]

Like COCO: polygons of 24 corners on average (47 coordinates and more) with two decimals in 1.2 parts, one crowd in a
hundred as an RLE list, images of 640x480 for the most part, ids with gaps, annotations not in the images' order. What
is drawn is round and lies in its image, so a check finds nothing; nobody should train on it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

COCO_IMAGES, COCO_INSTANCES, COCO_CATEGORIES = 118_287, 860_001, 80
_SIZES = ((480, 640), (427, 640), (640, 480), (640, 427), (375, 500))
_SIZE_ODDS = (0.45, 0.25, 0.12, 0.1, 0.08)
_CROWDS = 0.01
_SECOND_PART = 0.2  # so many objects have one
_CORNERS = 23.5  # of an object, mean
_AT_A_TIME = 20_000


def write_coco_shape(
    path: Path,
    images: int = COCO_IMAGES,
    instances: int = COCO_INSTANCES,
    categories: int = COCO_CATEGORIES,
    seed: int = 0,
) -> None:
    """Writes the file piece by piece; the same arguments give the same bytes."""
    random = np.random.default_rng(seed)
    sizes = np.array(_SIZES)[random.choice(len(_SIZES), images, p=_SIZE_ODDS)]
    with path.open("w", encoding="ascii") as file:
        file.write('{"info": {"description": "COCO\'s shape, drawn"}, "licenses": [], "images": [')
        _write_list(file, (_image(number, *size) for number, size in enumerate(sizes.tolist())))
        file.write('], "annotations": [')
        _write_list(file, _annotations(sizes, instances, categories, random))
        file.write('], "categories": [')
        _write_list(file, (json.dumps({"id": _category_id(n), "name": f"class {n}"}) for n in range(categories)))
        file.write("]}")


def _write_list(file: Any, entries: Iterator[str]) -> None:
    for number, entry in enumerate(entries):
        file.write(f", {entry}" if number else entry)


def _image(number: int, height: int, width: int) -> str:
    return (
        f'{{"license": 1, "file_name": "{_image_id(number):012}.jpg", "height": {height}, "width": {width}, '
        f'"date_captured": "2013-11-14 17:02:52", "id": {_image_id(number)}}}'
    )


def _image_id(number: int) -> int:
    return 9 + 4 * number


def _category_id(number: int) -> int:
    return number + 1 + number // 9


def _annotations(sizes: Any, instances: int, categories: int, random: np.random.Generator) -> Iterator[str]:
    texts = [str(cents / 100) for cents in range(100 * int(sizes.max()) + 1)]
    for start in range(0, instances, _AT_A_TIME):
        count = min(_AT_A_TIME, instances - start)
        owners = random.integers(len(sizes), size=count)
        labels = random.integers(categories, size=count)
        crowds = random.random(count) < _CROWDS
        shapes = _polygons(sizes[owners], random, texts)
        for number, shape in enumerate(shapes):
            owner, is_crowd = int(owners[number]), int(crowds[number])
            segmentation, area, box = _crowd(shape[2], *sizes[owner].tolist()) if is_crowd else shape
            yield (
                f'{{"segmentation": {segmentation}, "area": {area}, "iscrowd": {is_crowd}, '
                f'"image_id": {_image_id(owner)}, "bbox": {box}, "category_id": {_category_id(int(labels[number]))}, '
                f'"id": {start + number + 1}}}'
            )


def _polygons(sizes: Any, random: np.random.Generator, texts: list[str]) -> Iterator[tuple[str, float, list[float]]]:
    """For each image of `sizes` an object in it: its polygons as JSON, its area, and its box."""
    count = len(sizes)
    parts = 1 + (random.random(count) < _SECOND_PART)
    mean = _CORNERS / (1 + _SECOND_PART)
    corners = np.clip(random.gamma(2.0, mean / 2, int(parts.sum())).round(), 4, 200).astype(np.int64)
    first = np.cumsum(parts) - parts
    cents = (100 * _points(sizes, parts, corners, random)).round().astype(np.int64)
    begins = np.cumsum(corners) - corners
    objects = begins[first]  # the first corner of each
    low, high = np.minimum.reduceat(cents, objects), np.maximum.reduceat(cents, objects)
    boxes = np.concatenate([low, high - low], axis=1) / 100
    areas = np.add.reduceat(np.abs(_twice_areas(cents, begins)), first) / 2e4
    words = [texts[value] for value in cents.ravel().tolist()]
    pieces = [
        f"[{', '.join(words[2 * a : 2 * (a + n)])}]" for a, n in zip(begins.tolist(), corners.tolist(), strict=True)
    ]
    for begin, number, area, box in zip(first.tolist(), parts.tolist(), areas.tolist(), boxes.tolist(), strict=True):
        yield f"[{', '.join(pieces[begin : begin + number])}]", area, box


def _points(sizes: Any, parts: Any, corners: Any, random: np.random.Generator) -> Any:
    """Corners around the centres of the parts, float64 [sum of corners, 2]; two parts lie beside each other."""
    owner = np.repeat(np.arange(len(sizes)), parts)
    radius = np.minimum(random.gamma(1.0, 0.12, len(sizes)) + 0.02, 0.45) * sizes.min(1)
    centre = radius[:, None] + random.random((len(sizes), 2)) * (sizes[:, ::-1] - 2 * radius[:, None])
    has_two = parts[owner] == 2
    is_first = np.diff(owner, prepend=-1) != 0
    centre = centre[owner]
    centre[:, 0] += np.where(has_two, np.where(is_first, -0.5, 0.5), 0.0) * radius[owner]
    place = np.arange(corners.sum()) - np.repeat(np.cumsum(corners) - corners, corners)
    angle = 2 * np.pi * place / np.repeat(corners, corners)
    reach = np.repeat(radius[owner] * np.where(has_two, 0.45, 1.0), corners) * (0.7 + 0.3 * random.random(len(angle)))
    return np.repeat(centre, corners, axis=0) + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _twice_areas(cents: Any, begins: Any) -> Any:
    """Of each polygon, by the shoelace formula."""
    following = np.roll(cents, -1, axis=0)
    following[np.append(begins[1:], len(cents)) - 1] = cents[begins]
    return np.add.reduceat(cents[:, 0] * following[:, 1] - cents[:, 1] * following[:, 0], begins)


def _crowd(box: list[float], height: int, width: int) -> tuple[str, int, list[float]]:
    """A box of pixels as an RLE list, with a gap in every column so that it is as long as a crowd's."""
    left, top = int(box[0]), int(box[1])
    wide, high = max(int(box[2]), 1), max(int(box[3]), 3)
    top = min(top, height - high)
    third = high // 3
    column = [third, third, high - 2 * third, height - high]
    counts = [left * height + top, *column * wide]
    counts[-1] = (width - left - wide) * height + height - top - high
    text = json.dumps({"counts": counts, "size": [height, width]})
    return text, wide * (high - third), [float(left), float(top), float(wide), float(high)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--images", type=int, default=COCO_IMAGES)
    parser.add_argument("--instances", type=int, default=COCO_INSTANCES)
    parser.add_argument("--categories", type=int, default=COCO_CATEGORIES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_coco_shape(options.file, options.images, options.instances, options.categories, options.seed)


if __name__ == "__main__":
    main()
