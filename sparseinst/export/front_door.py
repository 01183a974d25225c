"""The front door's folder in a model repository: config.pbtxt and model.py.

The front door is a Triton model of its own, in the Python backend; `sparseinst.serving.front_door` is what runs there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparseinst.export.contract import CONFIG_FILE, FRONT, TensorSpec
from sparseinst.export.repository import quote
from sparseinst.files import write_text

PARAMETER = "sparseinst_front"  # of config.pbtxt: which models may answer
MODEL_CODE_FILE = "model.py"

# Files and texts travel as bytes, not as TYPE_STRING: nothing has to be put in front of them, and under numpy 2 the
# stub of Triton 24.10 dies of strings.
PICTURE = TensorSpec("picture", "uint8", (-1,), "a picture's file, as it is: JPEG, PNG, WebP, TIFF, GIF or BMP")
ANSWER = TensorSpec("answer", "uint8", (-1,), "COCO-style JSON in UTF-8")
SCORES = TensorSpec("scores", "float32", (-1,), "descending")
CLASSES = TensorSpec("classes", "int64", (-1,), "category ids")
BOXES = TensorSpec("boxes", "float32", (-1, 4), "x, y, width and height in pixels of the picture")
RLES = TensorSpec("rles", "uint8", (-1,), "the masks as COCO's compressed RLE: the counts, a line each")
SIZE = TensorSpec("size", "int64", (2,), "height and width of the picture, upright")
CANARY = b"canary"  # no picture: with it one asks whether the front door lives; it is refused, and not counted
FRONT_OUTPUTS = (ANSWER, SCORES, CLASSES, BOXES, RLES, SIZE)

_INSTANCES = 2  # processes: one decodes while the other waits for the model
_MOST_WAITING = 32
_LONGEST_WAIT_MICROSECONDS = 30_000_000


def front_config(
    name: str,
    known: Sequence[Mapping[str, Any]],
    *,
    canary: Mapping[str, Any] | None = None,
    instances: int = _INSTANCES,
) -> str:
    """config.pbtxt of the front door of a model.

    Args:
        name: The model's name; the front door's is `<name>_front`.
        known: The metadata of the models that may answer under that name, the one in service first. While versions are
            switched both are named.
        canary: None, or a model on trial: "model" (its name in Triton), "metadata", "share" (of the requests, 0 to 1)
            and "shadow" (whether it is only asked, and never answers).
        instances: How many processes there are; each works on one request at a time.
    """
    routes = {"model": name, "known": list(known), "canary": None if canary is None else dict(canary)}
    outputs = ",\n".join(_tensor(spec) for spec in FRONT_OUTPUTS)
    return f"""name: {quote(name + FRONT)}
backend: "python"
max_batch_size: 0
version_policy: {{ specific: {{ versions: [ 1 ] }} }}
input [
{_tensor(PICTURE)}
]
output [
{outputs}
]
instance_group [ {{ kind: KIND_CPU, count: {instances} }} ]
dynamic_batching {{
  default_queue_policy {{
    timeout_action: REJECT
    default_timeout_microseconds: {_LONGEST_WAIT_MICROSECONDS}
    max_queue_size: {_MOST_WAITING}
  }}
}}
parameters {{ key: {quote(PARAMETER)}, value: {{ string_value: {quote(json.dumps(routes, sort_keys=True))} }} }}
"""


def front_model_py() -> str:
    """model.py of every front door."""
    return (
        '"""The front door of a model; its configuration says of which."""\n\n'
        "from sparseinst.serving.front_door.triton_model import TritonPythonModel as TritonPythonModel\n"
    )


def write_front_door(repository: Path, name: str, metadata: Mapping[str, Any]) -> None:
    """Writes `repository/<name>_front/{config.pbtxt, 1/model.py}` for a model that is in service alone."""
    folder = repository / (name + FRONT)
    write_text(folder / CONFIG_FILE, front_config(name, [metadata]))
    write_text(folder / "1" / MODEL_CODE_FILE, front_model_py())


def _tensor(spec: TensorSpec) -> str:
    dims = ", ".join(map(str, spec.dims))
    return f"  {{ name: {quote(spec.name)}, data_type: {spec.triton_dtype}, dims: [ {dims} ] }}"
