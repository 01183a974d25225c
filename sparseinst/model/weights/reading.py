"""Reads checkpoint files of any origin without running anything that a file asks to be run.

A pickle names the classes and functions that it wants to be rebuilt with. torch's `weights_only` unpickler knows those
that tensors need and refuses all others. Training frameworks leave objects of their own beside the tensors: they are
replaced by stand-ins, which forget what they are given, so that the tensors can be had. Anything else is refused.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparseinst.errors import SparseInstError

_FORGOTTEN_PACKAGES = ("mmengine.", "mmcv.", "mmdet.", "detectron2.", "fvcore.", "yacs.")
_FORGOTTEN_NAMES = {
    "argparse.Namespace",  # timm's arguments
    "builtins.getattr",  # how pickle writes a class's method: mmengine's HistoryBuffer lists its own
    "numpy.dtype",
    "numpy.ndarray",
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
}
# torch's own unpickler decides about these.
_TENSOR_PARTS = ("torch.", "collections.OrderedDict", "_codecs.encode")

_READ_FIX = "Check the path; the file must be a torch checkpoint of tensors and plain values."


class _Forgotten:
    """Stands where a foreign object or function was, and keeps nothing of it."""

    def __new__(cls, *_: Any) -> _Forgotten:
        return object.__new__(cls)

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


class _ForgottenMapping:
    """The same for classes that are dictionaries: the unpickler puts items into real dictionaries only."""

    def __new__(cls, *_: Any) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        return OrderedDict()


@contextmanager
def reading(path: Path, fix: str) -> Iterator[None]:
    """Turns whatever goes wrong while a checkpoint is read and unpacked into one SparseInstError with this `fix`."""
    try:
        yield
    except SparseInstError:
        raise
    except Exception as error:  # torch raises a dozen kinds for damaged files, pickle's own among them
        reason = next(iter(str(error).splitlines()), "")
        raise SparseInstError(
            f"The checkpoint cannot be read ({type(error).__name__}: {reason}).", where=str(path), fix=fix
        ) from error


def read_content(path: Path, fix: str = _READ_FIX) -> Any:
    """What a checkpoint file holds, with all tensors on the CPU. No code of the file's choosing runs.

    Raises:
        SparseInstError: The file cannot be read, is none of torch's, or wants to be rebuilt with classes or functions
            that no checkpoint needs; its details list them.
    """
    with reading(path, fix):
        foreign = _names_in_archive(path) if zipfile.is_zipfile(path) else _names_in_pickles(path)
        refused = sorted(name for name in foreign if not _is_forgotten(name))
        if refused:
            raise SparseInstError(
                "The file asks for classes or functions that weights do not need; it was not read.",
                where=str(path),
                details=refused,
                fix="If you trust its origin, have it save the state dict alone: torch.save(model.state_dict(), ...).",
            )
        with torch.serialization.safe_globals([(_stand_in(name), name) for name in foreign]):
            return torch.load(path, map_location="cpu", weights_only=True)


def tensors_in(content: Any, where: str = "") -> dict[str, Tensor]:
    """The state dict in what a checkpoint holds: under "model" or "state_dict", or the content itself.

    The prefix "module." of models that were wrapped for several GPUs is taken off.

    Raises:
        SparseInstError: There is no state dict, or it has entries that are not plain tensors; its details list them.
    """
    state = content
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            state = content[key]
            break
    if not isinstance(state, Mapping) or not state:
        raise SparseInstError(
            "There is no state dict.",
            where=where,
            fix='Expected {"model": {name: tensor}}, {"state_dict": {name: tensor}} or {name: tensor}.',
        )
    others = [f"{name}: {_kind(value)}" for name, value in state.items() if not _is_plain_tensor(name, value)]
    if others:
        raise SparseInstError(
            f"{len(others)} of {len(state)} entries are not plain tensors.",
            where=where,
            details=others,
            fix='Expected a state dict, {name: tensor}, bare or under "model" or "state_dict".',
        )
    prefix = "module." if all(name.startswith("module.") for name in state) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def _is_forgotten(name: str) -> bool:
    return name.startswith(_FORGOTTEN_PACKAGES) or name in _FORGOTTEN_NAMES


def _stand_in(name: str) -> Any:
    return _ForgottenMapping if name.endswith(("CfgNode", "ConfigDict")) else _Forgotten


def _names_in_archive(path: Path) -> set[str]:
    """The foreign names in a file of torch 1.6 or later, which is a zip archive."""
    return set(torch.serialization.get_unsafe_globals_in_checkpoint(path))


def _names_in_pickles(path: Path) -> set[str]:
    """The foreign names in a file of older torch: four pickles in a row, the first one a number that marks the format.

    The pickles are taken apart, not loaded.
    """
    names = set()
    with path.open("rb") as file:
        if file.read(4) == b"PK\3\4":
            raise SparseInstError("The file ends too early.", where=str(path), fix="Copy or fetch it again.")
        file.seek(0)
        if torch.serialization.MAGIC_NUMBER not in [value for _, value, _ in pickletools.genops(file)]:
            raise SparseInstError(
                "The file is a pickle of another program, such as detectron2's model zoo has, not a torch checkpoint.",
                where=str(path),
                fix="Use a .pth: the ImageNet weights of detectron2's torchvision ResNets are torchvision's, "
                "https://download.pytorch.org/models/resnet50-0676ba61.pth.",
            )
        for _ in range(3):
            names |= {str(value) for code, value, _ in pickletools.genops(file) if code.name == "GLOBAL"}
    python3 = {name.replace(" ", ".").replace("__builtin__.", "builtins.") for name in names}
    return {name for name in python3 if not name.startswith(_TENSOR_PARTS)}


def _is_plain_tensor(name: Any, value: Any) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor) and value.layout is torch.strided


def _kind(value: Any) -> str:
    return "an object or array" if isinstance(value, _Forgotten) else type(value).__name__
