"""Checkpoint files of many origins are read, and none of them gets to run anything."""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparseinst.errors import SparseInstError
from sparseinst.model.weights import read_content, tensors_in

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.zeros(2, dtype=torch.float16)}


class Payload:
    """Asks whoever unpickles it for a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


def saved(path: Path, content: Any, *, is_archive: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=is_archive)
    return path


def assert_is_state(state: dict[str, torch.Tensor]) -> None:
    assert list(state) == list(STATE)
    assert all(torch.equal(state[name], tensor) and state[name].dtype == tensor.dtype for name, tensor in STATE.items())


@pytest.fixture
def mmengine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    """A module where mmengine keeps its history, whose objects leave a file behind when they come to life."""
    trace = tmp_path / "alive"

    class HistoryBuffer:
        def __init__(self) -> None:
            self.log_history = np.arange(5.0)
            self.last = np.float64(4.0)

        def mean(self) -> float:
            return float(self.log_history.mean())

        def __getstate__(self) -> dict[str, Any]:
            return {**self.__dict__, "statistics_methods": {"mean": HistoryBuffer.mean}}

        def __setstate__(self, state: dict[str, Any]) -> None:
            trace.touch()

    module = types.ModuleType("mmengine.logging.history_buffer")
    HistoryBuffer.__module__, HistoryBuffer.__qualname__ = module.__name__, "HistoryBuffer"
    HistoryBuffer.mean.__module__, HistoryBuffer.mean.__qualname__ = module.__name__, "HistoryBuffer.mean"
    module.HistoryBuffer = HistoryBuffer  # type: ignore[attr-defined]
    for name in ("mmengine", "mmengine.logging"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.mark.parametrize("is_archive", [True, False])
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": s, "iteration": 7}, lambda s: {"state_dict": s}])
def test_a_state_dict_is_found_bare_or_under_its_usual_keys(tmp_path: Path, wrap: Any, is_archive: bool) -> None:
    path = saved(tmp_path / "w.pth", wrap(STATE), is_archive=is_archive)
    assert_is_state(tensors_in(read_content(path)))


def test_the_prefix_of_several_gpus_is_taken_off() -> None:
    assert_is_state(tensors_in({"model": {f"module.{name}": tensor for name, tensor in STATE.items()}}))
    mixed = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert list(tensors_in(mixed)) == ["module.a", "b"]


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_training_frameworks_objects_are_forgotten_and_the_tensors_are_read(
    tmp_path: Path, mmengine: types.ModuleType, is_archive: bool
) -> None:
    history = mmengine.HistoryBuffer()
    content = {
        "meta": {"dataset_meta": {"classes": ("cat", "dog")}, "iter": 12, "seed": np.int64(3)},
        "state_dict": STATE,
        "message_hub": {"log_scalars": {"train/loss": history}, "runtime": {"lr": np.ones(2)}},
    }
    path = saved(tmp_path / "epoch_12.pth", content, is_archive=is_archive)
    read = read_content(path)
    assert_is_state(tensors_in(read))
    assert read["meta"]["dataset_meta"] == {"classes": ("cat", "dog")}
    assert not hasattr(read["message_hub"]["log_scalars"]["train/loss"], "log_history")
    assert not (tmp_path / "alive").exists()


def test_timms_arguments_are_forgotten(tmp_path: Path) -> None:
    read = read_content(saved(tmp_path / "w.pth", {"state_dict": STATE, "args": argparse.Namespace(lr=1)}))
    assert_is_state(tensors_in(read))
    assert not isinstance(read["args"], argparse.Namespace)


def test_a_configuration_that_is_a_dictionary_of_its_own_kind_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = type("CfgNode", (dict,), {"__module__": "yacs.config"})
    for name in ("yacs", "yacs.config"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["yacs.config"].CfgNode = node  # type: ignore[attr-defined]
    config = node(LR=1)
    config.__dict__["frozen"] = True
    assert_is_state(tensors_in(read_content(saved(tmp_path / "w.pth", {"model": STATE, "cfg": config}))))


@pytest.mark.parametrize("is_archive", [True, False])
@pytest.mark.parametrize(("function", "name"), [(os.system, "posix.system"), (eval, "builtins.eval")])
def test_a_call_in_a_file_is_refused_by_name_and_not_made(
    tmp_path: Path, function: Any, name: str, is_archive: bool
) -> None:
    trace = tmp_path / "trace"
    argument = f"touch {trace}" if function is os.system else f"__import__('pathlib').Path({str(trace)!r}).touch()"
    content = {"model": STATE, "extra": Payload(function, argument), "other": Payload(argparse.Namespace)}
    path = saved(tmp_path / "w.pth", content, is_archive=is_archive)
    with pytest.raises(SparseInstError, match="asks for classes or functions") as caught:
        read_content(path)
    assert caught.value.details == (name,)
    assert not trace.exists()
    pickle.loads(pickle.dumps(content["extra"]))
    assert trace.exists()  # the trap works


def test_a_permitted_name_does_not_get_its_module_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, trace = tmp_path / "mmengine", tmp_path / "trace"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(trace)!r}, 'w').close()\ndef run(command): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    stand_in = types.ModuleType("mmengine")
    exec("def run(command): pass", stand_in.__dict__)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "mmengine", stand_in)
        path = saved(tmp_path / "w.pth", {"model": STATE, "extra": Payload(stand_in.run, "anything")})
    assert_is_state(tensors_in(read_content(path)))
    assert not trace.exists() and "mmengine" not in sys.modules


def test_reading_leaves_torch_as_strict_as_it_was(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pth", {"model": STATE, "args": argparse.Namespace()})
    read_content(path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)


@pytest.mark.parametrize("size", [0, 1, 100, 700])
def test_a_truncated_file_is_named(tmp_path: Path, size: int) -> None:
    whole = saved(tmp_path / "whole.pth", STATE).read_bytes()
    path = tmp_path / "w.pth"
    path.write_bytes(whole[:size])
    with pytest.raises(SparseInstError, match="ends too early" if size >= 4 else "cannot be read") as caught:
        read_content(path)
    assert caught.value.where == str(path)


def test_what_is_no_file_of_torchs_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_text("<html>404</html>")
    for path in (tmp_path / "missing.pth", tmp_path, tmp_path / "page.pth"):
        with pytest.raises(SparseInstError, match="cannot be read") as caught:
            read_content(path)
        assert caught.value.where == str(path) and caught.value.fix
    torch.jit.script(torch.nn.Identity()).save(str(tmp_path / "model.pt"))
    with pytest.raises(SparseInstError, match="torchscript"):
        read_content(tmp_path / "model.pt")


def test_detectron2s_pickles_are_refused_with_a_file_to_use_instead(tmp_path: Path) -> None:
    path = tmp_path / "R-50.pkl"
    path.write_bytes(pickle.dumps({"model": {"stem.conv1.weight": np.zeros((4, 3))}}, protocol=2))
    with pytest.raises(SparseInstError, match="pickle of another program") as caught:
        read_content(path)
    assert "resnet50-0676ba61.pth" in caught.value.fix


def test_entries_that_are_no_tensors_are_all_named() -> None:
    with pytest.raises(SparseInstError, match="2 of 3 entries") as caught:
        tensors_in({"model": {"a": torch.zeros(1), "b": np.zeros(1), "c": None}})
    assert caught.value.details == ("b: ndarray", "c: NoneType")


@pytest.mark.parametrize("content", [{}, [], None, {"model": {}}, torch.zeros(1)])
def test_where_there_is_no_state_dict_it_is_said(content: Any) -> None:
    with pytest.raises(SparseInstError, match=r"no state dict|not plain tensors"):
        tensors_in(content)
