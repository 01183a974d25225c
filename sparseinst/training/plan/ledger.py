"""Counts what a computation keeps, moves and computes, while it runs on tensors without values."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

HALF = torch.bfloat16  # stands for fp16 as well: as many bytes, and a CPU's autocast knows it best


@contextmanager
def without_values() -> Iterator[None]:
    """Tensors made inside have a shape, a dtype and a place, but no memory; operations cost next to nothing."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


class Ledger(TorchDispatchMode):
    """The bytes of all tensors that live: now, and at most since the last `mark`. A storage counts once.

    Attributes:
        live: Bytes now.
        peak: The most since the last mark, in bytes.
        traffic: Bytes that the operations so far read and wrote, if each goes to memory and back.
        flops: Floating-point operations of convolutions and matrix products so far; a multiplication with an addition
            is two.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        """`known` are tensors that lived before."""
        super().__init__()
        self.live = self.peak = self.traffic = self.flops = 0
        self._storages: set[int] = set()
        for tensor in known:
            self._enter(tensor)
        self.mark()

    def mark(self) -> int:
        """Starts a new peak; the bytes that live now."""
        self.peak = self.live
        return self.live

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        is_new = [self._enter(tensor) for tensor in tree_leaves(out) if isinstance(tensor, Tensor)]
        if any(is_new) or func._schema.is_mutable:  # a view moves nothing
            tensors = (leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor))
            self.traffic += nbytes(tensors)
        self.flops += _flops(func, args, kwargs or {}, out)
        return out

    def _enter(self, tensor: Tensor) -> bool:
        """Notes a tensor's storage; whether it is a new one."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._storages:
            return False
        self._storages.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._leaver(key, size)).atexit = False
        return True

    def _leaver(self, key: int, size: int) -> Callable[[], None]:
        def leave() -> None:
            self._storages.discard(key)
            self.live -= size

        return leave


def _flops(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> int:
    """torch's own counts, but for a convolution's backward pass: torch forgets there that groups share the channels."""
    if func is torch.ops.aten.convolution_backward.default:
        gradient, weight, wanted = args[0], args[2], args[10]
        return 2 * gradient.numel() * prod(weight.shape[1:]) * sum(wanted[:2])
    count = flop_registry.get(func.overloadpacket)
    return int(count(*args, **kwargs, out_val=out)) if count else 0


def nbytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
