"""A model with the contract's input and first output that takes its time."""

from __future__ import annotations

import json

from sparseinst.storage import Storage

FULL_QUEUE = "dynamic_batching { default_queue_policy { max_queue_size: 40 } }"  # for 60 requests
LEVELS = "dynamic_batching { priority_levels: 2, default_priority_level: 2 }"

_MODEL = """
import json
import time

import numpy
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.pace = json.loads(json.loads(args["model_config"])["parameters"]["pace"]["string_value"])
        time.sleep(self.pace["load_s"])

    def execute(self, requests):
        end = time.monotonic() + self.pace["answer_s"]
        while time.monotonic() < end:
            time.sleep(0 if self.pace["computes"] else max(end - time.monotonic(), 0))
        scores = pb_utils.Tensor.from_dlpack("scores", numpy.zeros((1, 3), numpy.float32))
        return [pb_utils.InferenceResponse(output_tensors=[scores]) for _ in requests]
"""


def write_export(
    models: Storage,
    name: str,
    *,
    load_s: float = 0.0,
    answer_s: float = 0.0,
    computes: bool = False,
    batching: str = "dynamic_batching { }",
    tensor: str = "image",
    instances: int = 1,
) -> None:
    """Puts the model into the repository.

    Args:
        models: The model repository.
        name: The model's name.
        load_s: Seconds that loading takes.
        answer_s: Seconds that each execution takes.
        computes: Whether it computes meanwhile; else it sleeps.
        batching: The scheduler, in config.pbtxt's words.
        tensor: The input's name.
        instances: How many processes it has.
    """
    pace = json.dumps({"load_s": load_s, "answer_s": answer_s, "computes": computes}).replace('"', '\\"')
    config = f"""name: "{name}"
backend: "python"
max_batch_size: 1
input [ {{ name: "{tensor}", data_type: TYPE_UINT8, dims: [ 3, -1, -1 ] }} ]
output [ {{ name: "scores", data_type: TYPE_FP32, dims: [ 3 ] }} ]
instance_group [ {{ kind: KIND_CPU, count: {instances} }} ]
{batching}
parameters {{ key: "pace", value: {{ string_value: "{pace}" }} }}
"""
    models.write_bytes(f"{name}/1/model.py", _MODEL.encode())
    models.write_bytes(f"{name}/config.pbtxt", config.encode())
