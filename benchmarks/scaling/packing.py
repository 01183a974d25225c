"""What it costs one process to pack and unpack a reply, by its form: bytes, and milliseconds of its CPU time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tritonclient.grpc import service_pb2

from sparseinst.export.contract import COMPACT_REPLY, FULL_REPLY, OUTPUTS

_INSTANCES, _GRID = 100, (160, 160)  # of a 640 x 640 picture
_TIMES = 20


def measure_packing() -> dict[str, Any]:
    """Full and compact replies, as gRPC carries them and as Triton's HTTP endpoint does without binary data."""
    rows = {}
    for name, outputs in (("full", FULL_REPLY), ("compact", COMPACT_REPLY)):
        arrays = _arrays(outputs)
        message = service_pb2.ModelInferResponse(raw_output_contents=[array.tobytes() for array in arrays.values()])
        packed = message.SerializeToString()
        text = _as_json(arrays)
        rows[name] = {
            "grpc_bytes": len(packed),
            "grpc_ms": _milliseconds(lambda packed=packed, message=message: _through_grpc(message, packed)),
            "json_bytes": len(text),
            "json_ms": _milliseconds(lambda arrays=arrays, text=text: (_as_json(arrays), json.loads(text))),
        }
        print(f"{name}: {rows[name]}", flush=True)
    return rows


def _arrays(outputs: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Tensors of the right shapes, all slots filled with some numbers."""
    draw = np.random.default_rng(0)
    sizes = {spec.name: spec.shape(_INSTANCES) for spec in OUTPUTS}
    free = iter(_GRID)
    shapes = {name: tuple(next(free) if side < 0 else side for side in sizes[name]) for name in outputs}
    dtypes = {spec.name: np.dtype(spec.dtype) for spec in OUTPUTS}
    return {name: draw.integers(0, 200, shapes[name]).astype(dtypes[name]) for name in outputs}


def _through_grpc(message: Any, packed: bytes) -> None:
    message.SerializeToString()
    back = service_pb2.ModelInferResponse.FromString(packed)
    for content in back.raw_output_contents:
        np.frombuffer(content, np.uint8)


def _as_json(arrays: dict[str, np.ndarray]) -> str:
    outputs = [
        {"name": name, "shape": list(array.shape), "data": array.ravel().tolist()} for name, array in arrays.items()
    ]
    return json.dumps({"outputs": outputs}, separators=(",", ":"))


def _milliseconds(action: Callable[[], Any]) -> float:
    """The least of several, in CPU time: others on the machine make some longer, and none shorter."""
    taken = []
    for _ in range(_TIMES):
        begin = time.process_time()
        action()
        taken.append(1000 * (time.process_time() - begin))
    return round(min(taken), 2)
