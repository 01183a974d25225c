"""Our PyTorch backend keeps the contract of NVIDIA's: what that one refuses, ours refuses, with a reason.

Here it runs in this process against a stand-in for what Triton's stub provides; the other tests of this folder run it
inside the real server.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.dlpack import from_dlpack, to_dlpack

import sparseinst
from tests.serving import tiny

MODEL_PY = Path(sparseinst.__file__).parents[1] / "deploy" / "triton_backend" / "pytorch" / "model.py"


class Difference(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left - right


class Pair(nn.Module):
    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        if bool((image == 13).any()):
            raise ValueError("thirteen")
        return image + 1, image.sum(1, keepdim=True)


class Named(nn.Module):
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"a": image}


class TakesNames(nn.Module):
    def forward(self, image: dict[str, Tensor]) -> Tensor:
        return image["a"]


class Listed(nn.Module):
    def forward(self, image: Tensor) -> list[Tensor]:
        return [image]


class Nested(nn.Module):
    def forward(self, image: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return image, (image, image)


class Scalar(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image.sum()


class Shorter(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image[:1]


class StubTensor:
    """As in Triton's stub: a name, and DLPack both ways."""

    def __init__(self, name: str, tensor: Tensor) -> None:
        self.name, self.tensor = name, tensor

    @staticmethod
    def from_dlpack(name: str, capsule: Any) -> StubTensor:
        return StubTensor(name, from_dlpack(capsule))

    def to_dlpack(self) -> Any:
        return to_dlpack(self.tensor)


class ModelRefused(Exception):
    """Stands in for the stub's TritonModelException."""


class Request:
    def __init__(self, wanted: list[str], **inputs: Tensor) -> None:
        self.wanted = wanted
        self.inputs = {name: StubTensor(name, tensor) for name, tensor in inputs.items()}

    def requested_output_names(self) -> list[str]:
        return self.wanted


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    stub = ModuleType("triton_python_backend_utils")
    stub.Tensor = StubTensor
    stub.TritonError = stub.TritonModelException = ModelRefused
    stub.InferenceResponse = lambda output_tensors=(), error=None: SimpleNamespace(
        outputs={tensor.name: tensor.tensor for tensor in output_tensors}, error=error
    )
    stub.get_input_tensor_by_name = lambda request, name: request.inputs[name]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", stub)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    spec = importlib.util.spec_from_file_location("backend_under_test", MODEL_PY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(
    backend: ModuleType,
    folder: Path,
    module: nn.Module,
    inputs: list[str],
    outputs: dict[str, str],
    max_batch: int = 4,
    parameters: dict[str, Any] | None = None,
) -> Any:
    tiny.save(module, folder / "1" / "model.pt")
    config = {
        "max_batch_size": max_batch,
        "default_model_filename": "",
        "parameters": parameters or {},
        "input": [{"name": name, "data_type": "TYPE_INT64"} for name in inputs],
        "output": [{"name": name, "data_type": f"TYPE_{kind}"} for name, kind in outputs.items()],
    }
    model = backend.TritonPythonModel()
    kind = {"model_instance_kind": "CPU", "model_instance_device_id": "0"}
    model.initialize(
        {"model_config": json.dumps(config), "model_repository": str(folder), "model_version": "1", **kind}
    )
    return model


@pytest.mark.parametrize("names", [("left", "right"), ("minuend__0", "subtrahend__1")])
def test_inputs_are_found_by_argument_or_by_index_in_any_order(backend: ModuleType, tmp_path: Path, names):
    left, right = names
    model = load(backend, tmp_path, Difference(), [right, left], {"out": "FP32"})
    (response,) = model.execute([Request(["out"], **{left: torch.full((2, 3), 5.0), right: torch.ones(2, 3)})])
    assert response.outputs["out"].tolist() == [[4.0] * 3] * 2


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a", "b"], "neither forward's arguments"),
        (["left__0", "right__2"], "neither forward's arguments"),
        (["left__0", "right__0"], "neither forward's arguments"),
        (["a__b__0", "a__b__1"], "neither forward's arguments"),  # the number follows the first two underscores
        (["left"], "the config has 1 inputs, forward takes 2"),
        (["left", "right", "middle"], "the config has 3 inputs, forward takes 2"),
        ([], "the config names no input"),
    ],
)
def test_a_model_whose_inputs_have_other_names_does_not_load(
    backend: ModuleType, tmp_path: Path, names: list[str], reason: str
):
    with pytest.raises(ModelRefused, match=reason):
        load(backend, tmp_path, Difference(), names, {"out": "FP32"})


def test_a_model_that_takes_anything_but_tensors_does_not_load(backend: ModuleType, tmp_path: Path):
    with pytest.raises(ModelRefused, match=r"forward's argument 'image' is a Dict\[str, Tensor\], no Tensor"):
        load(backend, tmp_path, TakesNames(), ["image"], {"out": "FP32"})


@pytest.mark.parametrize("kind", ["STRING", "UINT32", "BF16"])
def test_types_that_torch_has_no_tensor_for_do_not_load(backend: ModuleType, tmp_path: Path, kind: str):
    with pytest.raises(ModelRefused, match=f"output 'out' is TYPE_{kind}"):
        load(backend, tmp_path, Difference(), ["left", "right"], {"out": kind})
    with pytest.raises(ModelRefused, match="names no output"):
        load(backend, tmp_path, Difference(), ["left", "right"], {})


def test_outputs_named_by_index_are_found_there_and_others_in_the_configs_order(backend: ModuleType, tmp_path: Path):
    image = torch.tensor([[1, 2]])
    model = load(backend, tmp_path, Pair(), ["image"], {"sum__1": "INT64", "next__0": "INT64"})
    (response,) = model.execute([Request(["sum__1", "next__0"], image=image)])
    assert {name: tensor.tolist() for name, tensor in response.outputs.items()} == {
        "sum__1": [[3]],
        "next__0": [[2, 3]],
    }
    model = load(backend, tmp_path, Pair(), ["image"], {"first": "INT64"})
    (response,) = model.execute([Request(["first"], image=image)])
    assert response.outputs["first"].tolist() == [[2, 3]]


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ({}, {}),
        ({"INTRA_OP_THREAD_COUNT": "3"}, {"set_num_threads": 3}),
        ({"INTRA_OP_THREAD_COUNT": "0", "INTER_OP_THREAD_COUNT": "2"}, {"set_num_interop_threads": 2}),
        ({"ENABLE_JIT_EXECUTOR": "false"}, {"ENABLE_JIT_EXECUTOR": False}),
        ({"ENABLE_TENSOR_FUSER": "1", "NOBODY_KNOWS": "x"}, {"ENABLE_TENSOR_FUSER": True}),
    ],
)
def test_parameters_are_those_of_nvidias_backend_and_unknown_ones_are_ignored(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str], asked: dict[str, Any]
):
    seen: dict[str, Any] = {}
    for name in ("set_num_threads", "set_num_interop_threads"):
        monkeypatch.setattr(torch, name, lambda value, name=name: seen.update({name: value}))
    for name in backend._SWITCHES:
        monkeypatch.setitem(backend._SWITCHES, name, lambda value, name=name: seen.update({name: value}))
    backend.Parameters({name: {"string_value": value} for name, value in parameters.items()}).apply()
    assert seen == asked


@pytest.mark.parametrize(("mode", "is_inference"), [("true", True), ("0", False), (None, True)])
def test_inference_mode_is_on_unless_it_is_switched_off(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str | None, is_inference: bool
):
    parameters = {} if mode is None else {"INFERENCE_MODE": {"string_value": mode}}
    model = load(backend, tmp_path, Pair(), ["image"], {"a": "INT64", "b": "INT64"}, parameters=parameters)
    graph, modes = model._model, []

    def asked(image: Tensor) -> Any:
        modes.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))
        return graph(image)

    monkeypatch.setattr(model, "_model", asked)
    model.execute([Request(["a"], image=torch.zeros((1, 2), dtype=torch.int64))])
    assert modes == [(is_inference, False)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("INFERENCE_MODE", "maybe"), ("INTRA_OP_THREAD_COUNT", "many"), ("INTRA_OP_THREAD_COUNT", "1.5")],
)
def test_a_parameter_that_cannot_be_read_is_named(backend: ModuleType, tmp_path: Path, name: str, value: str):
    with pytest.raises(ModelRefused, match=f"the parameter {name} is '{value}'"):
        load(backend, tmp_path, Pair(), ["image"], {"a": "INT64"}, parameters={name: {"string_value": value}})


def test_requests_share_a_batch_and_each_gets_its_own_rows_and_only_what_it_asked_for(
    backend: ModuleType, tmp_path: Path
):
    model = load(backend, tmp_path, Pair(), ["image"], {"a": "INT64", "b": "INT64"})
    first, second, third = model.execute(
        [
            Request(["a", "b"], image=torch.tensor([[1, 2]])),
            Request(["b"], image=torch.tensor([[3, 4], [5, 6]])),
            Request(["a"], image=torch.zeros((0, 2), dtype=torch.int64)),
        ]
    )
    assert {name: tensor.tolist() for name, tensor in first.outputs.items()} == {"a": [[2, 3]], "b": [[3]]}
    assert {name: tensor.tolist() for name, tensor in second.outputs.items()} == {"b": [[7], [11]]}
    assert {name: tuple(tensor.shape) for name, tensor in third.outputs.items()} == {"a": (0, 2)}


def test_without_batching_every_request_runs_alone(backend: ModuleType, tmp_path: Path):
    model = load(backend, tmp_path, Difference(), ["left", "right"], {"out": "FP32"}, max_batch=0)
    responses = model.execute([Request(["out"], left=torch.ones(size), right=torch.zeros(size)) for size in (2, 3)])
    assert [response.outputs["out"].tolist() for response in responses] == [[1.0] * 2, [1.0] * 3]


@pytest.mark.parametrize(
    ("module", "outputs", "reason"),
    [
        (Pair(), {"a": "INT64", "b": "INT64", "c": "INT64"}, "its output 'c' would be number 2; it returns 2 outputs"),
        (Pair(), {"a__5": "INT64"}, "its output 'a__5' would be number 5; it returns 2 outputs"),
        (Pair(), {"a": "INT64", "b": "FP32"}, "its output 'b' is torch.int64, the config says torch.float32"),
        (Named(), {"a": "INT64"}, "its output 'a' is a dict, not a tensor"),
        (Listed(), {"a": "INT64"}, "its output 'a' is a list, not a tensor"),
        (Nested(), {"a": "INT64", "b": "INT64"}, "its output 'b' is a tuple, not a tensor"),
        (Scalar(), {"a": "INT64"}, "its output 'a' is a scalar"),
        (Shorter(), {"a": "INT64"}, "its output 'a' has 1 rows for 2 inputs"),
    ],
)
def test_outputs_that_are_not_as_configured_fail_with_the_reason(
    backend: ModuleType, tmp_path: Path, module: nn.Module, outputs: dict[str, str], reason: str
):
    model = load(backend, tmp_path, module, ["image"], outputs)
    (response,) = model.execute([Request(["a"], image=torch.zeros((2, 2), dtype=torch.int64))])
    assert reason in str(response.error)


def test_what_the_model_raises_is_the_answer_and_the_next_request_is_served(backend: ModuleType, tmp_path: Path):
    model = load(backend, tmp_path, Pair(), ["image"], {"a": "INT64", "b": "INT64"})
    (failed,) = model.execute([Request(["a"], image=torch.full((1, 2), 13))])
    assert "thirteen" in str(failed.error)
    (served,) = model.execute([Request(["b"], image=torch.full((1, 2), 12))])
    assert served.outputs["b"].tolist() == [[24]]


def test_a_file_that_is_no_model_does_not_load(backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tiny, "save", lambda module, path: (path.parent.mkdir(), path.write_bytes(b"no model")))
    with pytest.raises(ModelRefused, match=r"model\.pt is no TorchScript model"):
        load(backend, tmp_path, Pair(), ["image"], {"a": "INT64"})
