"""What it costs to evaluate masks: COCO's size, five times less and four times more; and to write masks as RLE.

Run: python -m benchmarks.evaluate [--images 1000 5000 20000] [--json FILE]

Drawn truth and detections: images of 640 x 480 with 6.7 objects and 100 detections each, 80 classes. Each program works
in a process of its own, one after the other: the time is that of the CPU, the memory the most that it takes beyond the
detections themselves. pycocotools, the reference, is measured at up to 5 000 images: it takes a minute there.
"table" is which detection found which object, "analysis" everything that the report shows beside the 12 numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.device import describe
from benchmarks.memory import peak_megabytes
from sparseinst.evaluation.analysis.analyse import analyse
from sparseinst.evaluation.analysis.table import match_table
from sparseinst.evaluation.coco.engine import ENGINES
from sparseinst.evaluation.coco.numbers import NUMBERS, mask_metrics
from sparseinst.evaluation.coco.prepared import prepare
from sparseinst.masks.coco import encode_masks

_HEIGHT, _WIDTH = 480, 640
_OBJECTS = 6.7  # of an image, mean: 33 500 in 5 000 images
_DETECTIONS = 100  # of an image
_CLASSES = 80
_DRAWN = 200  # different images; the others are the same masks with other classes and scores
_LARGEST_REFERENCE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--part", nargs=2, metavar=("WHAT", "IMAGES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(_part(options.part[0], int(options.part[1]))))
        return
    figures: dict[str, Any] = {
        "device": describe(torch.device("cpu")),
        "cores": len(os.sched_getaffinity(0)),
        "encoding": _encoding(),
        "sizes": [_size(images) for images in options.images],
    }
    print(f"masks of {_HEIGHT} x {_WIDTH} encoded a second, on one core: {figures['encoding']}")
    for size in figures["sizes"]:
        print(_words(size))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _size(images: int) -> dict[str, Any]:
    """Both engines and the rest, at one size; the ratio is of times in this run."""
    parts = [engine for engine in ENGINES if engine == "hotcoco" or images <= _LARGEST_REFERENCE] + [
        "table",
        "analysis",
    ]
    measured = {part: _in_a_process(part, images) for part in parts}
    size: dict[str, Any] = {"images": images, "detections": images * _DETECTIONS, **measured}
    if "pycocotools" in measured:
        ours, reference = measured["hotcoco"], measured["pycocotools"]
        size["times_faster"] = reference["seconds"] / ours["seconds"]
        size["largest_difference"] = max(
            abs(a - b) for a, b in zip(ours["numbers"], reference["numbers"], strict=True) if a is not None
        )
    return size


def _in_a_process(part: str, images: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.evaluate", "--part", part, str(images)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _part(what: str, images: int) -> dict[str, Any]:
    truth, found = draw(images)
    if what == "table":
        return _measured(lambda: match_table(prepare(truth, found), _DETECTIONS))
    if what == "analysis":
        prepared = prepare(truth, found)
        table = match_table(prepared, _DETECTIONS)
        return _measured(lambda: analyse(table, prepared))
    numbers: dict[str, Any] = {}

    def work() -> None:
        numbers.update(mask_metrics(truth, found, engine=what))  # type: ignore[arg-type]

    return {**_measured(work), "numbers": [numbers[name] for name in NUMBERS]}


def _measured(work: Callable[[], object]) -> dict[str, float]:
    """CPU seconds, and the most memory."""
    seconds: list[float] = []

    def timed() -> None:
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)

    megabytes = peak_megabytes(timed, torch.device("cpu"))
    return {"seconds": round(seconds[0], 3), "megabytes": round(megabytes, 1)}


def draw(images: int, seed: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A COCO object and results; every second object is found by a detection that fits it more or less."""
    random = np.random.default_rng(seed)
    drawn = [_masks(random) for _ in range(min(_DRAWN, images))]
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image in range(images):
        objects, detections = drawn[image % len(drawn)]
        classes = random.integers(1, _CLASSES + 1, len(objects)).tolist()
        others = [*classes, *random.integers(1, _CLASSES + 1, _DETECTIONS).tolist()]
        scores = random.random(_DETECTIONS).tolist()
        for number, (rle, area) in enumerate(objects):
            crowd = int(random.random() < 0.01)
            truth.append(
                {
                    "id": len(truth) + 1,
                    "image_id": image + 1,
                    "category_id": classes[number],
                    "segmentation": rle,
                    "area": area,
                    "iscrowd": crowd,
                }
            )
        for number, rle in enumerate(detections):
            result = {"image_id": image + 1, "category_id": others[number], "score": scores[number]}
            found.append({**result, "segmentation": {"size": [_HEIGHT, _WIDTH], "counts": str(rle["counts"])}})
    coco = {
        "images": [{"id": n + 1, "height": _HEIGHT, "width": _WIDTH, "file_name": f"{n}.jpg"} for n in range(images)],
        "categories": [{"id": n + 1, "name": f"class {n}"} for n in range(_CLASSES)],
        "annotations": truth,
    }
    return coco, found


def _masks(random: np.random.Generator) -> tuple[list[tuple[dict[str, Any], float]], list[dict[str, Any]]]:
    """RLEs and areas of an image's objects, and RLEs of its detections, the first of which lie on the objects."""
    count = int(random.poisson(_OBJECTS))
    boxes = np.stack(
        [random.integers(0, _WIDTH, count), random.integers(0, _HEIGHT, count), *_radii(random, count)], axis=1
    )
    near = boxes + random.integers(-6, 7, boxes.shape)
    rest = _DETECTIONS - count
    far = np.stack([random.integers(0, _WIDTH, rest), random.integers(0, _HEIGHT, rest), *_radii(random, rest)], axis=1)
    objects, detections = _ellipses(boxes), _ellipses(np.concatenate([near, far]))
    return [(_text(rle), float(mask.sum())) for rle, mask in zip(encode_masks(objects), objects, strict=True)], [
        _text(rle) for rle in encode_masks(detections)
    ]


def _radii(random: np.random.Generator, count: int) -> tuple[Any, Any]:
    size = np.exp(random.normal(3.3, 0.9, count)).clip(3, 220)  # pixels: small, medium and large as in COCO
    return size * random.uniform(0.5, 1, count), size


def _ellipses(boxes: Any) -> Any:
    masks = np.zeros((len(boxes), _HEIGHT, _WIDTH), np.uint8)
    for mask, (x, y, a, b) in zip(masks, np.maximum(boxes, 1).astype(int).tolist(), strict=True):
        cv2.ellipse(mask, (x, y), (a, b), 0, 0, 360, 1, cv2.FILLED)
    return masks.astype(bool)


def _text(rle: dict[str, Any]) -> dict[str, Any]:
    return {"size": rle["size"], "counts": rle["counts"].decode("ascii")}


def _encoding() -> dict[str, int]:
    """Masks a second of one core, whichever way they lie in memory; medians of 7."""
    places = np.random.default_rng(0).integers(0, _HEIGHT, (_DETECTIONS, 2))
    boxes = np.concatenate([places, np.full((_DETECTIONS, 2), 90)], axis=1)
    by_rows = _ellipses(boxes)
    by_columns = np.ascontiguousarray(by_rows.transpose(0, 2, 1)).transpose(0, 2, 1)
    rates = {}
    for name, masks in (("by columns, as ours lie", by_columns), ("by rows", by_rows)):
        seconds = []
        for _ in range(7):
            begin = time.process_time()
            encode_masks(masks)
            seconds.append(time.process_time() - begin)
        rates[name] = round(len(masks) / statistics.median(seconds))
    return rates


def _words(size: dict[str, Any]) -> str:
    parts = [
        f"{part} {size[part]['seconds']:.2f} s, {size[part]['megabytes']:.0f} MB"
        for part in (*ENGINES, "table", "analysis")
        if part in size
    ]
    ratio = f"; {size['times_faster']:.1f} times as fast" if "times_faster" in size else ""
    return f"{size['images']:>6} images: " + "; ".join(parts) + ratio


if __name__ == "__main__":
    main()
