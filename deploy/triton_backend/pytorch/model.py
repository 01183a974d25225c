"""The Triton backend `pytorch` for machines without NVIDIA's C++ one.

Triton looks in <backends>/pytorch/ for libtriton_pytorch.so and then for this file. It serves the same model
repository and the same config.pbtxt as the C++ backend (`backend: "pytorch"`, <version>/model.pt) and keeps its
contract: inputs are tensors, named after the arguments of `forward` or <anything>__<index>; `forward` returns a tensor
or a tuple of tensors with the batch first; outputs are in the order of the config or named <anything>__<index>; types
must be as configured. What that one refuses is refused here, with a reason, and a little more: lists of strings, a
dictionary of inputs, and inputs of other names, which it would take in the config's order.

Parameters are those of the C++ backend, with its defaults: one answer is computed by as many threads as torch takes.
ENABLE_WEIGHT_SHARING changes nothing: each instance is a process of its own. Unknown ones are ignored, as there.

Source:
    triton-inference-server/pytorch_backend, src/libtorch.cc, r24.10.

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
        parameters = Parameters(config["parameters"])
        parameters.apply()
        self._optimized = not parameters.flag("DISABLE_OPTIMIZED_EXECUTION", default=False)
        self._guard = torch.inference_mode if parameters.flag("INFERENCE_MODE", default=True) else torch.no_grad
        self._clean = gpu and parameters.flag("ENABLE_CACHE_CLEANING", default=False)
        try:
            self._model = torch.jit.load(path, map_location=self._device).eval()
        except (RuntimeError, ValueError) as error:
            raise pb_utils.TritonModelException(f"{path.name} is no TorchScript model: {_reason(error)}") from error
        self._inputs = _in_order_of_arguments(list(_types(config, "input")), _arguments(self._model))
        self._outputs = _positions(_types(config, "output"))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers the requests, in their order. Triton brings only requests of equal shapes together."""
        groups = [requests] if self._batched else [[request] for request in requests]
        responses = [response for group in groups for response in self._answer(group)]
        if self._clean:
            torch.cuda.empty_cache()
        return responses

    def _answer(self, requests: list[Any]) -> list[Any]:
        try:
            inputs = [[_read(request, name) for request in requests] for name in self._inputs]
            sizes = [len(tensor) for tensor in inputs[0]] if self._batched else [0]
            outputs = self._run([torch.cat(tensors) if self._batched else tensors[0] for tensors in inputs])
            pieces = [output.split(sizes) if self._batched else (output,) for output in outputs]
        except (RuntimeError, ValueError, torch.jit.Error) as error:
            # An error for each: responses that share one free its memory twice, and the server dies of that.
            message = f"the model failed: {_reason(error)}"
            return [pb_utils.InferenceResponse(error=pb_utils.TritonError(message)) for _ in requests]
        return [
            self._response(request, piece) for request, piece in zip(requests, zip(*pieces, strict=True), strict=True)
        ]

    def _run(self, inputs: list[Tensor]) -> list[Tensor]:
        with self._guard(), torch.jit.optimized_execution(self._optimized):
            answer = self._model(*(tensor.to(self._device) for tensor in inputs))
        answers = answer if isinstance(answer, tuple) else (answer,)
        outputs = []
        for name, position, dtype in self._outputs:
            if position >= len(answers):
                raise ValueError(f"its output '{name}' would be number {position}; it returns {len(answers)} outputs")
            outputs.append(self._checked(name, answers[position], dtype, len(inputs[0]) if self._batched else None))
        return outputs

    def _checked(self, name: str, output: Any, dtype: torch.dtype, rows: int | None) -> Tensor:
        if not isinstance(output, Tensor):
            raise ValueError(f"its output '{name}' is a {type(output).__name__}, not a tensor")
        if output.dtype != dtype:
            raise ValueError(f"its output '{name}' is {output.dtype}, the config says {dtype}")
        if output.dim() == 0:
            raise ValueError(f"its output '{name}' is a scalar, which has no place for a batch")
        if rows is not None and len(output) != rows:
            raise ValueError(f"its output '{name}' has {len(output)} rows for {rows} inputs")
        return output.cpu().contiguous()

    def _response(self, request: Any, outputs: tuple[Tensor, ...]) -> Any:
        wanted = request.requested_output_names()
        tensors = [
            pb_utils.Tensor.from_dlpack(name, to_dlpack(tensor))
            for (name, _, _), tensor in zip(self._outputs, outputs, strict=True)
            if name in wanted
        ]
        return pb_utils.InferenceResponse(output_tensors=tensors)


class Parameters:
    """The config's parameters, with names and values as in NVIDIA's backend."""

    def __init__(self, entries: dict[str, Any]) -> None:
        self._values = {name: str(entry.get("string_value", "")) for name, entry in entries.items()}

    def flag(self, name: str, *, default: bool) -> bool:
        text = self._values.get(name)
        if text is None:
            return default
        if text.lower() not in _FLAGS:
            raise pb_utils.TritonModelException(f"the parameter {name} is '{text}', neither true nor false")
        return _FLAGS[text.lower()]

    def number(self, name: str, *, default: int) -> int:
        text = self._values.get(name, str(default))
        try:
            return int(text)
        except ValueError as error:
            raise pb_utils.TritonModelException(f"the parameter {name} is '{text}', no whole number") from error

    def apply(self) -> None:
        """Sets what holds for the whole process; numbers below 1 and what is not named change nothing."""
        intra, inter = self.number("INTRA_OP_THREAD_COUNT", default=0), self.number("INTER_OP_THREAD_COUNT", default=0)
        if intra > 0:
            torch.set_num_threads(intra)
        if inter > 0:
            torch.set_num_interop_threads(inter)
        for name, switch in _SWITCHES.items():
            if name in self._values:
                switch(self.flag(name, default=True))


_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_SWITCHES = {
    "ENABLE_JIT_EXECUTOR": torch._C._jit_set_profiling_executor,
    "ENABLE_JIT_PROFILING": torch._C._jit_set_profiling_mode,
    "ENABLE_TENSOR_FUSER": torch._C._jit_set_texpr_fuser_enabled,
}


def _read(request: Any, name: str) -> Tensor:
    return from_dlpack(pb_utils.get_input_tensor_by_name(request, name).to_dlpack())


def _types(config: dict[str, Any], kind: str) -> dict[str, torch.dtype]:
    """The types of the config's inputs or outputs by their names."""
    if not config[kind]:
        raise pb_utils.TritonModelException(f"the config names no {kind}")
    for entry in config[kind]:
        if entry["data_type"] not in _DTYPES:
            raise pb_utils.TritonModelException(
                f"the config's {kind} '{entry['name']}' is {entry['data_type']}, for which there is no tensor"
            )
    return {entry["name"]: _DTYPES[entry["data_type"]] for entry in config[kind]}


def _arguments(model: torch.jit.ScriptModule) -> list[str]:
    """The names of what `forward` takes; all must be tensors."""
    arguments = model.forward.schema.arguments[1:]  # the first is self
    for argument in arguments:
        if argument.type.kind() != "TensorType":
            raise pb_utils.TritonModelException(f"forward's argument '{argument.name}' is a {argument.type}, no Tensor")
    return [argument.name for argument in arguments]


def _in_order_of_arguments(names: list[str], arguments: list[str]) -> list[str]:
    """The config's inputs in the order in which `forward` takes them."""
    if len(names) != len(arguments):
        raise pb_utils.TritonModelException(f"the config has {len(names)} inputs, forward takes {len(arguments)}")
    if set(names) == set(arguments):
        return sorted(names, key=arguments.index)
    indices = [_index(name) for name in names]
    if set(indices) == set(range(len(names))):
        return [names[indices.index(position)] for position in range(len(names))]
    raise pb_utils.TritonModelException(
        f"the config's inputs {names} are neither forward's arguments {arguments} nor named <anything>__<index>"
    )


def _positions(types: dict[str, torch.dtype]) -> list[tuple[str, int, torch.dtype]]:
    """Name, position in what `forward` returns, and type of each output, in the config's order."""
    indices = [_index(name) for name in types]
    positions = range(len(types)) if None in indices else indices
    return [(name, position, dtype) for (name, dtype), position in zip(types.items(), positions, strict=True)]


def _index(name: str) -> int | None:
    """The number after the first two underscores, if nothing else stands there."""
    number = name.partition("__")[2]
    return int(number) if number.isascii() and number.isdigit() else None


def _reason(error: Exception) -> str:
    """TorchScript puts its own stack first and the reason into the last line."""
    return str(error).strip().splitlines()[-1]
