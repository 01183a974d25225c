"""How fast one loader worker makes training examples, and what memory another worker costs.

Run: python -m benchmarks.loader --data DIR [--passes 5] [--memory 118287 860001] [--json FILE]

DIR is a dataset directory, or a folder with annotations/instances_train*.json and images/train*/. One thread, masks
included, flips on. "decode" is the floor: no loader that decodes whole pictures with libjpeg-turbo goes below it.
"before" is what Pillow and pycocotools need for the same examples at a short side of 640. Milliseconds are CPU time of
the process that works, medians over passes in which the ways take turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch

from benchmarks.coco_shape import COCO_IMAGES, COCO_INSTANCES
from benchmarks.device import describe
from benchmarks.worker_memory import loader_workers, measure_workers
from sparseinst.data.config import InputConfig
from sparseinst.data.directory import annotations_path, open_annotations
from sparseinst.data.loading.dataset import Key, TrainingImages
from sparseinst.data.loading.loader import training_loader
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.data.loading.scene import Scene
from sparseinst.imaging.decode import decode_image
from sparseinst.imaging.read import read_image
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.masks.coco import segmentation_to_mask

_SHORT, _LONGEST = 640, 853
_RECIPE = InputConfig()
_FIXED = replace(_RECIPE, train_short_sides=(_SHORT,))
_AUG = replace(_RECIPE, crop=0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--memory", type=int, nargs=2, default=(COCO_IMAGES, COCO_INSTANCES), metavar="COUNT")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with dataset_directory(options.data) as root:
        figures = measure_ways(root, options.passes)
        figures["example, in a worker process"] = one_worker(root, options.passes)
    where = describe(torch.device("cpu"))
    print(f"{options.data.name}, one thread, {where}; milliseconds an image")
    for name, milliseconds in figures.items():
        print(f"  {name:<30} {milliseconds:6.2f}   {1000 / milliseconds:6.0f} images/s")
    memory = measure_workers(*options.memory)
    print(json.dumps(memory, indent=1))
    if options.json:
        report = {"data": options.data.name, "device": where, "threads": 1, "torch": torch.__version__}
        report |= {"milliseconds": figures, "images_per_second": {k: 1000 / v for k, v in figures.items()}}
        report["memory"] = memory
        options.json.write_text(json.dumps(report, indent=1) + "\n")


@contextmanager
def dataset_directory(data: Path) -> Iterator[Path]:
    """The directory itself, or a temporary one that points to a folder as COCO's archives make it."""
    if annotations_path(data, "train").is_file():
        yield data
        return
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "annotations").mkdir()
        annotations_path(root, "train").symlink_to(next((data / "annotations").glob("instances_train*.json")).resolve())
        (root / "images").symlink_to(next((data / "images").glob("train*")).resolve())
        yield root


def measure_ways(root: Path, passes: int) -> dict[str, float]:
    """Median CPU milliseconds an image of each way."""
    fixed, recipe, aug = (TrainingImages(root, config) for config in (_FIXED, _RECIPE, _AUG))
    files = _files(root)
    ways: dict[str, Callable[[int], object]] = {
        "decode": lambda number: _decode(files[number]),
        "decode and resize": lambda number: _resize(files[number]),
        "example, short side 640": lambda number: fixed[Key(number, 0, number, 0)],
        "example, recipe's sides": lambda number: recipe[Key(number, 0, number, 0)],
        "example, recipe with crops": lambda number: aug[Key(number, 0, number, 0)],
        "before, short side 640": before(root),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(passes + 1):
        for name, make in ways.items():
            started = time.process_time()
            for number in range(len(fixed)):
                make(number)
            times[name].append(1000 * (time.process_time() - started) / len(fixed))
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def _files(root: Path) -> list[Path]:
    """Of the images that show an object, in the order of `TrainingImages`."""
    index = open_annotations(root, "train")
    rows = np.flatnonzero(index.column("objects"))
    return [root / "images" / index.image(int(row)).file_name for row in rows]


def _decode(path: Path) -> object:
    return decode_image(path.read_bytes())


def _resize(path: Path) -> object:
    scene = Scene.of(decode_image(path.read_bytes()), [])
    return scene.resized(target_size(*scene.size, _SHORT, _LONGEST))


def before(root: Path) -> Callable[[int], object]:
    """The same examples by Pillow and pycocotools: decode, resize, masks, flip."""
    index = open_annotations(root, "train")
    rows = np.flatnonzero(index.column("objects"))
    files = _files(root)
    shapes = [[found.segmentation for found in index.objects(int(row)) if not found.is_crowd] for row in rows]

    def make(number: int) -> object:
        image = read_image(files[number])
        size = target_size(*image.shape[:2], _SHORT, _LONGEST)
        scale = np.array([size[1] / image.shape[1], size[0] / image.shape[0]])
        masks = []
        for shape in shapes[number]:
            if isinstance(shape, dict):
                mask = segmentation_to_mask(shape, *image.shape[:2])
                masks.append(cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT))
            else:
                moved = [(part.reshape(-1, 2) * scale).ravel().tolist() for part in shape]
                masks.append(segmentation_to_mask(moved, *size))
        image, stack = resize_image(image, *size), np.stack(masks)
        if number % 2:
            image, stack = image[:, ::-1], stack[:, :, ::-1]
        stack = stack[stack.any(axis=(1, 2))]
        return np.ascontiguousarray(image.transpose(2, 0, 1)), np.ascontiguousarray(stack)

    return make


def one_worker(root: Path, passes: int) -> float:
    """CPU milliseconds that a worker process takes for an image at a short side of 640, its way to us included."""
    dataset = TrainingImages(root, _FIXED)
    size, warm_up = 8, 8
    count = passes * len(dataset) // size
    batches = EndlessBatches(dataset.tall, batch_size=size, seed=0, start=0, stop=2 * count + warm_up)
    examples = training_loader(dataset, batches, workers=1)
    for _ in range(warm_up):
        next(examples)
    (worker,) = loader_workers()
    started = sum(worker.cpu_times()[:2])
    for _ in range(count):
        next(examples)
    return 1000 * (sum(worker.cpu_times()[:2]) - started) / (count * size)


if __name__ == "__main__":
    main()
