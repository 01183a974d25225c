"""A copy of a run's state that stays as it is while training goes on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def snapshot(value: Any) -> Any:
    """A deep copy of nested dicts, lists and tuples with their tensors on the CPU.

    Copies from a GPU are started all together and waited for once.
    """
    copied = _copied(value)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return copied


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        plain = value.detach()
        return plain.to("cpu", non_blocking=True) if plain.is_cuda else plain.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(item) for item in value)
    return value
