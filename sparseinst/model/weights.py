"""Weights into a model, with every name accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from sparseinst.errors import SparseInstError


def load_weights(model: nn.Module, source: str | Path | Mapping[str, Tensor]) -> None:
    """Loads a checkpoint file ({"model": state dict, ...} or a bare state dict) or a state dict.

    Nothing is loaded unless every name and shape fits. Files are read without unpickling code.

    Raises:
        SparseInstError: The file cannot be read; or names are missing, unexpected or of another shape (all listed).
    """
    state = source if isinstance(source, Mapping) else _read(Path(source))
    own = model.state_dict()
    missing = [f"missing: {name} {tuple(own[name].shape)}" for name in own if name not in state]
    unexpected = [f"unexpected: {name} {tuple(state[name].shape)}" for name in state if name not in own]
    reshaped = [
        f"shape: {name} is {tuple(state[name].shape)}, the model has {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if missing or unexpected or reshaped:
        raise SparseInstError(
            f"The weights do not fit the model: {len(missing)} missing, {len(unexpected)} unexpected, "
            f"{len(reshaped)} of another shape.",
            where="" if isinstance(source, Mapping) else str(source),
            details=[*missing, *unexpected, *reshaped],
            fix="Build the model from the configuration that the weights were trained with.",
        )
    model.load_state_dict(dict(state))


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


def _read(path: Path) -> Mapping[str, Tensor]:
    with reading(path, "Check the path; the file must be a torch checkpoint of tensors and plain values."):
        content = torch.load(path, map_location="cpu", weights_only=True)
    state = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise SparseInstError(
            "The file holds no state dict.",
            where=str(path),
            fix='Expected {"model": {name: tensor}} or {name: tensor}.',
        )
    return state
