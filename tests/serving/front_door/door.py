"""Puts front doors before tiny models, and asks them as a client would."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparseinst.export.contract import FRONT
from sparseinst.export.front_door import ANSWER, PICTURE, front_config, front_model_py
from sparseinst.serving.connection import Connection
from sparseinst.storage import Storage
from tests.serving import tiny

RENAMED = tiny.METADATA | {
    "categories": [{"id": 5, "name": "夜"}, {"id": 9, "name": "día"}],  # the ids have moved, too
    "short_side": 96,
    "longest_side": 160,
    "checkpoint_sha256": "1" * 64,
}


def publish(
    models: Storage, folder: Path, name: str, *, gain: float = 1.0, metadata: Mapping[str, Any] = tiny.METADATA
) -> None:
    """A tiny model into the model repository; it is not loaded."""
    models.copy_in(tiny.write_export(folder, name, gain=gain, metadata=metadata) / name, name)


def put_front_door(
    models: Storage,
    name: str,
    known: Sequence[Mapping[str, Any]],
    canary: Mapping[str, Any] | None = None,
    *,
    instances: int = 1,
) -> str:
    """Writes the front door's folder, or its new configuration; gives its name."""
    front = name + FRONT
    config = front_config(name, known, canary=canary, instances=instances)
    models.write_bytes(f"{front}/config.pbtxt", config.encode())
    models.write_bytes(f"{front}/1/model.py", front_model_py().encode())
    return front


def ask(connection: Connection, front: str, content: bytes, **options: float | bool) -> dict[str, Any]:
    """The answer's JSON."""
    reply = ask_packed(connection, front, content, [ANSWER.name], **options)
    answer: dict[str, Any] = json.loads(reply[ANSWER.name].tobytes())
    return answer


def ask_packed(
    connection: Connection, front: str, content: bytes, outputs: Sequence[str], **options: float | bool
) -> dict[str, NDArray[Any]]:
    return connection.infer(
        front, "", {PICTURE.name: np.frombuffer(content, np.uint8)}, outputs, parameters=options or None
    )


def drawn(height: int, width: int, seed: int = 0) -> Image.Image:
    """Soft blobs, bright and dark, in colour."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()
