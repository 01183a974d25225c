"""An endpoint that answers what a test wants, and the page's server in front of it.

For what a real model will not do on demand: nasty names, masks of every form, a breakdown. test_live.py has the real
front door.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import SparseInstError
from sparseinst.masks.coco import mask_to_rle
from sparseinst.serving.demo.endpoint import Endpoint
from sparseinst.serving.demo.samples import Sample
from sparseinst.serving.demo.server import DemoServer

FINGERPRINT = "0123456789abcdef"
CHECKPOINT = "c" * 64
TIMING = {"decode": 3.0, "resize": 2.0, "model": 20.0, "masks": 5.0, "total": 30.0}


def answer(masks: Sequence[NDArray[np.bool_]], scores: Sequence[float], names: Sequence[str]) -> dict[str, Any]:
    """A front door's answer: an object for each mask [H, W], each of a class of its own."""
    height, width = masks[0].shape
    return {
        "images": [{"id": 1, "width": width, "height": height}],
        "annotations": [_annotation(number, mask, scores[number - 1]) for number, mask in enumerate(masks, 1)],
        "categories": [{"id": 10 * number, "name": name} for number, name in enumerate(names, 1)],
        "model": {"name": "shapes", "fingerprint": FINGERPRINT, "checkpoint_sha256": CHECKPOINT},
        "timing_ms": TIMING,
    }


def _annotation(number: int, mask: NDArray[np.bool_], score: float) -> dict[str, Any]:
    ys, xs = np.nonzero(mask)
    box = [int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1]
    return {
        "id": number,
        "image_id": 1,
        "category_id": 10 * number,
        "score": score,
        "bbox": box,
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": mask_to_rle(mask),
    }


class StubEndpoint(Endpoint):
    """Gives `says`, or raises it; remembers what it was asked."""

    def __init__(self, says: dict[str, Any] | SparseInstError) -> None:
        super().__init__("127.0.0.1:1", "shapes")
        self.says = says
        self.asked: list[bytes] = []

    def ask(self, picture: bytes) -> dict[str, Any]:
        self.asked.append(picture)
        if isinstance(self.says, SparseInstError):
            raise self.says
        return self.says

    def describe(self) -> dict[str, Any]:
        if isinstance(self.says, SparseInstError):
            raise self.says
        return {"fingerprint": FINGERPRINT, "checkpoint": CHECKPOINT, "classes": [], "version": "7"}


@contextmanager
def serving(endpoint: Endpoint, samples: Sequence[Sample] = ()) -> Iterator[DemoServer]:
    """The page's server, in a thread."""
    with DemoServer(endpoint, samples) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
