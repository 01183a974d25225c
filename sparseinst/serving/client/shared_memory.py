"""Requests through memory that the client and a server on its machine share."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import shared_memory
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.utils import np_to_triton_dtype, triton_to_np_dtype

from sparseinst.closing import Closing
from sparseinst.errors import ConfigError, SparseInstError, StackError
from sparseinst.export.contract import INPUT
from sparseinst.serving.connection import Connection
from sparseinst.serving.refusals import NoServer, Restricted, SharedMemoryMisfit

_FOLDER = "/dev/shm"
_ALIGNMENT = 64  # bytes; numpy and the server read quickest from there

_Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Region:
    """Memory that the server knows by `name`. Its file is gone already: what is shared ends with the two processes."""

    name: str
    memory: shared_memory.SharedMemory


class SharedMemory(Closing):
    """Regions for requests, one for each at a time, used again and again. Threads may share it.

    A region is removed from /dev/shm as soon as the server has it, so nothing stays there, whatever happens later.
    The first answer for a size of images comes by the usual way: it says how large the next ones will be.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._free: list[_Region] = []
        self._held: list[str] = []  # names that the server did not let go of: it still computed a given-up request
        self._bytes: dict[tuple[_Shape, tuple[str, ...]], dict[str, int]] = {}  # by images' shape and outputs' names
        self._is_closed = False

    def infer(
        self,
        model: str,
        version: str,
        images: NDArray[np.uint8],
        outputs: Sequence[str],
        timeout_s: float | None = None,
    ) -> dict[str, NDArray[Any]]:
        """As `TritonClient.infer`.

        Raises:
            ConfigError: The server cannot or may not use this machine's shared memory.
        """
        known = (images.shape, tuple(outputs))
        if known in self._bytes:
            try:
                return self._infer(model, version, images, self._bytes[known], timeout_s)
            except SharedMemoryMisfit:  # another model, or a restarted server: as at first
                self._bytes.pop(known, None)
        self._give_back(self._taken(images.nbytes))  # tells at once where there can be none
        answer = self._connection.infer(model, version, {INPUT.name: images}, outputs, timeout_s=timeout_s)
        self._bytes[known] = {name: array.nbytes for name, array in answer.items()}
        return answer

    def _infer(
        self,
        model: str,
        version: str,
        images: NDArray[np.uint8],
        sizes: dict[str, int],
        timeout_s: float | None,
    ) -> dict[str, NDArray[Any]]:
        starts, end = {}, images.nbytes
        for name, size in sizes.items():
            starts[name] = -(-end // _ALIGNMENT) * _ALIGNMENT
            end = starts[name] + size
        region = self._taken(end)
        is_sound = False
        try:
            np.ndarray(images.shape, images.dtype, region.memory.buf)[:] = images
            tensor = InferInput(INPUT.name, list(images.shape), np_to_triton_dtype(images.dtype))
            tensor.set_shared_memory(region.name, images.nbytes)
            wanted = []
            for name, size in sizes.items():
                output = InferRequestedOutput(name)
                output.set_shared_memory(region.name, size, starts[name])
                wanted.append(output)
            result = self._connection.ask(model, version, [tensor], wanted, timeout_s=timeout_s)
            answer = {}
            for name, start in starts.items():
                output = result.get_output(name)
                dtype = np.dtype(triton_to_np_dtype(output.datatype))
                # A copy: the region is used again.
                answer[name] = np.ndarray(tuple(output.shape), dtype, region.memory.buf, start).copy()
            is_sound = True
            return answer
        finally:
            # After an error the server may not know the region any more, or may still write into it.
            self._give_back(region) if is_sound else self._end(region)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            regions, self._free = self._free, []
        for region in regions:
            self._end(region)
        with suppress(StackError, ConfigError):
            for name in self._held:
                self._connection.unregister_memory(name)

    def _taken(self, size: int) -> _Region:
        with self._lock:
            fitting = [region for region in self._free if region.memory.size >= size]
            region = fitting[0] if fitting else (self._free[0] if self._free else None)
            if region is not None:
                self._free.remove(region)
        if fitting and region is not None:
            return region
        if region is not None:  # too small for today's images: replaced, not kept beside
            self._end(region)
        return self._new(size)

    def _give_back(self, region: _Region) -> None:
        with self._lock:
            if not self._is_closed:
                self._free.append(region)
                return
        self._end(region)

    def _new(self, size: int) -> _Region:
        # Memory is given out on writing, and a file system that is full then kills the process.
        if shutil.disk_usage(_FOLDER).free < size:
            raise ConfigError(
                f"There is no room for {size / 1e6:.1f} MB of shared memory.",
                where=_FOLDER,
                fix="Give the container a larger /dev/shm, or do without shared memory.",
            )
        name = f"sparseinst-client-{os.getpid()}-{secrets.token_hex(4)}"
        memory = shared_memory.SharedMemory(name, create=True, size=size)
        try:
            self._connection.register_memory(name, memory.size)
        except SparseInstError as error:
            memory.close()
            raise _explained(error, self._connection.url) from error
        except BaseException:
            memory.close()
            raise
        finally:
            memory.unlink()
        return _Region(name, memory)

    def _end(self, region: _Region) -> None:
        try:
            self._connection.unregister_memory(region.name)
        except NoServer:
            pass  # a server that has gone has let go of it, too
        except (StackError, ConfigError):
            self._held.append(region.name)
        region.memory.close()


def _explained(error: SparseInstError, url: str) -> SparseInstError:
    if isinstance(error, NoServer):
        return error
    fix = error.fix if isinstance(error, Restricted) else "It must run on this machine, with the same /dev/shm."
    return ConfigError(
        "The server does not take shared memory from this client.",
        where=url,
        details=[error.problem],
        fix=f"{fix} Or do without shared memory.",
    )
