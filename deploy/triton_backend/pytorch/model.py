"""The Triton backend `pytorch` for machines without NVIDIA's C++ one.

Triton looks in <backends>/pytorch/ for libtriton_pytorch.so and then for this file. It serves the same model
repository and the same config.pbtxt as the C++ backend (`backend: "pytorch"`, <version>/model.pt) and keeps its
contract: inputs are named after the arguments of `forward` or <anything>__<index>, `forward` returns a tensor or a
tuple of tensors with the batch first, outputs follow the order of the config, and types must be as configured.

It runs inside Triton's Python stub, which provides `triton_python_backend_utils`. Tensors travel by DLPack: with
numpy 2 the stub's own conversion sends no bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import triton_python_backend_utils as pb_utils
from torch import Tensor
from torch.utils.dlpack import from_dlpack, to_dlpack

_DTYPES = {
    "TYPE_BOOL": torch.bool,
    "TYPE_UINT8": torch.uint8,
    "TYPE_INT8": torch.int8,
    "TYPE_INT16": torch.int16,
    "TYPE_INT32": torch.int32,
    "TYPE_INT64": torch.int64,
    "TYPE_FP16": torch.float16,
    "TYPE_FP32": torch.float32,
    "TYPE_FP64": torch.float64,
}


class TritonPythonModel:
    """One instance of one version of one model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads model.pt. What is raised here is the reason that a refused load gives to the client."""
        config = json.loads(args["model_config"])
        path = Path(args["model_repository"]) / args["model_version"] / (config["default_model_filename"] or "model.pt")
        gpu = args["model_instance_kind"] == "GPU"
        self._device = torch.device("cuda", int(args["model_instance_device_id"])) if gpu else torch.device("cpu")
        self._batched = config["max_batch_size"] > 0
        # As many threads as cores made a reply on a busy machine ten times as slow.
        torch.set_num_threads(int(_parameter(config, "INTRA_OP_THREAD_COUNT", "1")))
        self._optimized = _parameter(config, "DISABLE_OPTIMIZED_EXECUTION", "false").lower() != "true"
        try:
            self._model = torch.jit.load(path, map_location=self._device).eval()
        except (RuntimeError, ValueError) as error:
            raise pb_utils.TritonModelException(f"{path.name} is no TorchScript model: {_reason(error)}") from error
        arguments = [argument.name for argument in self._model.forward.schema.arguments[1:]]  # the first is self
        self._inputs = _in_order_of_arguments([entry["name"] for entry in config["input"]], arguments)
        self._outputs = [(entry["name"], _DTYPES[entry["data_type"]]) for entry in config["output"]]

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers the requests, in their order. Triton brings only requests of equal shapes together."""
        groups = [requests] if self._batched else [[request] for request in requests]
        return [response for group in groups for response in self._answer(group)]

    def _answer(self, requests: list[Any]) -> list[Any]:
        try:
            inputs = [[_read(request, name) for request in requests] for name in self._inputs]
            sizes = [len(tensor) for tensor in inputs[0]] if self._batched else [0]
            outputs = self._run([torch.cat(tensors) if self._batched else tensors[0] for tensors in inputs])
            pieces = [output.split(sizes) if self._batched else (output,) for output in outputs]
        except (RuntimeError, ValueError, torch.jit.Error) as error:
            failure = pb_utils.TritonError(f"the model failed: {_reason(error)}")
            return [pb_utils.InferenceResponse(error=failure) for _ in requests]
        return [
            self._response(request, piece) for request, piece in zip(requests, zip(*pieces, strict=True), strict=True)
        ]

    def _run(self, inputs: list[Tensor]) -> list[Tensor]:
        with torch.inference_mode(), torch.jit.optimized_execution(self._optimized):
            answer = self._model(*(tensor.to(self._device) for tensor in inputs))
        outputs = list(answer) if isinstance(answer, tuple) else [answer]
        if len(outputs) != len(self._outputs):
            raise ValueError(f"it returned {len(outputs)} outputs, the config names {len(self._outputs)}")
        for output, (name, dtype) in zip(outputs, self._outputs, strict=True):
            if not isinstance(output, Tensor):
                raise ValueError(f"its output '{name}' is a {type(output).__name__}, not a tensor")
            if output.dtype != dtype:
                raise ValueError(f"its output '{name}' is {output.dtype}, the config says {dtype}")
            if self._batched and len(output) != len(inputs[0]):
                raise ValueError(f"its output '{name}' has {len(output)} rows for {len(inputs[0])} inputs")
        return [output.cpu().contiguous() for output in outputs]

    def _response(self, request: Any, outputs: tuple[Tensor, ...]) -> Any:
        wanted = request.requested_output_names()
        tensors = [
            pb_utils.Tensor.from_dlpack(name, to_dlpack(tensor))
            for (name, _), tensor in zip(self._outputs, outputs, strict=True)
            if name in wanted
        ]
        return pb_utils.InferenceResponse(output_tensors=tensors)


def _read(request: Any, name: str) -> Tensor:
    return from_dlpack(pb_utils.get_input_tensor_by_name(request, name).to_dlpack())


def _parameter(config: dict[str, Any], name: str, default: str) -> str:
    return str(config["parameters"].get(name, {}).get("string_value", default))


def _in_order_of_arguments(names: list[str], arguments: list[str]) -> list[str]:
    """The config's inputs in the order in which `forward` takes them."""
    if len(names) == len(arguments):
        if set(names) == set(arguments):
            return sorted(names, key=arguments.index)
        indices = {name: name.rpartition("__")[2] for name in names}
        if set(indices.values()) == {str(index) for index in range(len(names))}:
            return sorted(names, key=lambda name: int(indices[name]))
    raise pb_utils.TritonModelException(
        f"the config's inputs {names} are neither forward's arguments {arguments} nor named <anything>__<index>"
    )


def _reason(error: Exception) -> str:
    """TorchScript puts its own stack first and the reason into the last line."""
    return str(error).strip().splitlines()[-1]
