"""A model that computes nothing: each answer takes a pause, as long as a GPU would need, of the same length or random.

What is measured with it is the server's part (gRPC, queue, scheduler, executors); this CPU's speed hardly matters.
"""

from __future__ import annotations

from pathlib import Path

NAME = "paused"

_CODE = """import random
import time

import torch
import triton_python_backend_utils as pb_utils
from torch.utils.dlpack import to_dlpack


class TritonPythonModel:
    def initialize(self, args):
        self.draw = random.Random(args["model_instance_name"])

    def execute(self, requests):
        answers = []
        for _ in requests:
            time.sleep({pause})
            tensor = pb_utils.Tensor.from_dlpack("scores", to_dlpack(torch.zeros(1)))
            answers.append(pb_utils.InferenceResponse(output_tensors=[tensor]))
        return answers
"""


def write_paused(repository: Path, milliseconds: float, executors: int, *, is_random: bool, waiting: int) -> None:
    """Writes the model `paused` into a model repository.

    Args:
        repository: The folder.
        milliseconds: Of a pause, on average.
        executors: How many requests pause at the same time.
        is_random: Whether pauses are exponentially distributed, or all alike.
        waiting: The longest queue; who comes when it is full is refused.
    """
    folder = repository / NAME / "1"
    folder.mkdir(parents=True, exist_ok=True)
    pause = f"self.draw.expovariate(1 / {milliseconds / 1000})" if is_random else f"{milliseconds / 1000}"
    (folder / "model.py").write_text(_CODE.format(pause=pause))
    (folder.parent / "config.pbtxt").write_text(
        f"""name: "{NAME}"
backend: "python"
max_batch_size: 0
input [ {{ name: "image", data_type: TYPE_UINT8, dims: [ 3, -1, -1 ] }} ]
output [ {{ name: "scores", data_type: TYPE_FP32, dims: [ 1 ] }} ]
instance_group [ {{ kind: KIND_CPU, count: {executors} }} ]
dynamic_batching {{ default_queue_policy {{ timeout_action: REJECT max_queue_size: {waiting} }} }}
"""
    )
