"""What another loader worker costs in memory, with the annotations of a large data set and with few."""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from PIL import Image

from benchmarks.coco_shape import write_coco_shape
from sparseinst.data.config import InputConfig
from sparseinst.data.index.opening import open_index
from sparseinst.data.loading.dataset import Key, TrainingImages
from sparseinst.data.loading.image_files import LocalImages
from sparseinst.data.loading.loader import training_loader

_EXAMPLES = 1500  # of each worker, before it is measured
_FEW = (200, 1500)


class OnePicture(LocalImages):
    """The same picture for each name: pictures are not what is measured."""

    def __init__(self) -> None:
        super().__init__(Path())
        file = BytesIO()
        Image.fromarray(np.full((480, 640, 3), 128, np.uint8)).save(file, "JPEG")
        self.content = file.getvalue()

    def read(self, file_name: str) -> bytes:
        return self.content


def measure_workers(images: int, instances: int) -> dict[str, Any]:
    """MB of a worker process for a file of so many images and instances, and for a small one; seconds of its index.

    "unique" is what the worker alone holds (USS): the cost of another one. "proportional" counts shared pages by
    halves, thirds, … (PSS), "resident" counts them whole (RSS).
    """
    with TemporaryDirectory() as folder:
        few = Path(folder) / "few/annotations/train.json"
        many = Path(folder) / "many/annotations/train.json"
        for path, counts in ((few, _FEW), (many, (images, instances))):
            path.parent.mkdir(parents=True)
            write_coco_shape(path, *counts)
        seconds = {}
        for name in ("build", "open"):
            started = time.perf_counter()
            open_index(many)
            seconds[name] = round(time.perf_counter() - started, 4)
        return {
            "images": images,
            "instances": instances,
            "annotation_file_mb": round(many.stat().st_size / 1e6, 1),
            "index_mb": round(sum(path.stat().st_size for path in (many.parent / ".train.index").iterdir()) / 1e6, 1),
            "index_seconds": seconds,
            "worker_mb": _worker(many.parents[1]),
            "worker_mb_with_few_instances": _worker(few.parents[1]),
        }


def _worker(root: Path) -> dict[str, float]:
    """Memory of one of two workers that have read many annotations from all over the file."""
    dataset = TrainingImages(root, InputConfig(train_short_sides=(96,)))
    dataset._files = OnePicture()
    random = np.random.default_rng(0)
    count = 2 * _EXAMPLES // 10
    batches = [[Key(int(n), 0, 0, 0) for n in random.integers(len(dataset), size=10)] for _ in range(2 * count)]
    examples = training_loader(dataset, batches, workers=2)
    for _ in range(count):
        next(examples)
    found = [worker.memory_full_info() for worker in loader_workers()]
    fields = {"unique": "uss", "proportional": "pss", "resident": "rss"}
    return {name: round(max(getattr(info, field) for info in found) / 1e6, 1) for name, field in fields.items()}


def loader_workers() -> list[psutil.Process]:
    """The worker processes that a loader of this process has started."""
    return [child for child in psutil.Process().children() if "resource_tracker" not in " ".join(child.cmdline())]
