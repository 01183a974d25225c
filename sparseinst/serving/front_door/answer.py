"""What the client gets: a COCO-style JSON text, or arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.export.front_door import ANSWER, BOXES, CLASSES, RLES, SCORES, SIZE
from sparseinst.serving.front_door.asking import Reply
from sparseinst.serving.front_door.found import Found

_IMAGE_ID = 1


def coco_text(found: Found, reply: Reply, size: tuple[int, int], timing_s: Mapping[str, float]) -> str:
    """The answer as JSON; docs/front_door.md shows one.

    Args:
        size: (height, width) of the picture.
        timing_s: Seconds by part.
    """
    categories = reply.model.categories
    annotations = [
        {
            "id": place + 1,
            "image_id": _IMAGE_ID,
            "category_id": categories[label].id,
            "score": score,
            "bbox": box,
            "area": area,
            "iscrowd": 0,
            "segmentation": _segmentation(found, place),
        }
        for place, (label, score, box, area) in enumerate(
            zip(
                found.classes.tolist(),
                found.scores.tolist(),
                found.boxes.tolist(),
                found.areas.tolist(),
                strict=True,
            )
        )
    ]
    content = {
        "images": [{"id": _IMAGE_ID, "width": size[1], "height": size[0]}],
        "annotations": annotations,
        "categories": [{"id": category.id, "name": category.name} for category in categories],
        "model": {
            "name": reply.name,
            "fingerprint": reply.model.fingerprint.hex(),
            "checkpoint_sha256": reply.model.checkpoint,
        },
        "timing_ms": {part: round(1000 * seconds, 2) for part, seconds in timing_s.items()},
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def packed(found: Found, reply: Reply, size: tuple[int, int]) -> dict[str, NDArray[Any]]:
    """The same objects as arrays, by the names of the outputs."""
    ids = np.array([category.id for category in reply.model.categories], np.int64)
    return {
        SCORES.name: found.scores,
        CLASSES.name: ids[found.classes],
        BOXES.name: found.boxes.astype(np.float32),
        RLES.name: text_tensor(b"\n".join(rle["counts"] for rle in found.rles)),
        SIZE.name: np.array(size, np.int64),
    }


def text_tensor(text: bytes) -> NDArray[np.uint8]:
    """uint8 [n]."""
    return np.frombuffer(bytearray(text), np.uint8)  # a copy that may be written to: DLPack gives no others away


def wanted_outputs(asked: set[str]) -> set[str]:
    """Who names no outputs is taken by Triton to want all; such a client gets the JSON alone."""
    return {ANSWER.name} if ANSWER.name in asked and len(asked) > 1 and asked >= _ALL else asked


def _segmentation(found: Found, place: int) -> Any:
    if found.polygons:
        return found.polygons[place]
    rle = found.rles[place]
    return {"size": rle["size"], "counts": rle["counts"].decode("ascii")}


_ALL = {spec.name for spec in (ANSWER, SCORES, CLASSES, BOXES, RLES, SIZE)}
