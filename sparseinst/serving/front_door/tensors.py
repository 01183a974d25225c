"""Arrays into and out of Triton's tensors. Runs only inside Triton's Python stub.

Everything travels by DLPack and as numbers: under numpy 2 the stub's own conversion sends no bytes, and a tensor of
strings (TYPE_STRING) ends its process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from sparseinst.errors import StackError
from sparseinst.export.contract import INPUT

# The stub marks a capsule as taken with a name of its own. numpy would then complain about each one.
_TAKEN = b"used_dltensor"
_rename = ctypes.pythonapi.PyCapsule_SetName
_rename.argtypes = [ctypes.py_object, ctypes.c_char_p]


def read(tensor: Any) -> NDArray[Any]:
    """The tensor's memory as an array."""
    return np.from_dlpack(tensor)


def write(name: str, array: NDArray[Any]) -> Any:
    """A tensor over the array's memory, which must be writable."""
    if array.size == 0:  # the strides of an empty array are none that the stub takes
        array = np.lib.stride_tricks.as_strided(np.empty(1, array.dtype), array.shape, _row_major(array))
    capsule = array.__dlpack__()
    tensor = pb_utils.Tensor.from_dlpack(name, capsule)
    _rename(capsule, _TAKEN)
    return tensor


def infer(model: str, image: NDArray[np.uint8], outputs: Sequence[str]) -> Mapping[str, NDArray[Any]]:
    """Asks another model of this server, its version in service; see `asking.Infer`."""
    request = pb_utils.InferenceRequest(
        model_name=model,
        requested_output_names=list(outputs),
        inputs=[write(INPUT.name, image)],
        preferred_memory=pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU, 0),
    )
    try:
        response = request.exec()
        failure = response.error().message() if response.has_error() else ""
    except pb_utils.TritonModelException as error:
        failure = str(error)
    if failure:
        raise StackError(
            f"The model '{model}' does not answer: {failure.strip().splitlines()[0].rstrip('.')}.",
            fix="Try again in a moment; if it lasts, look at the server's log.",
        )
    return {tensor.name(): read(tensor) for tensor in response.output_tensors()}


def _row_major(array: NDArray[Any]) -> tuple[int, ...]:
    strides = [array.itemsize]
    for size in array.shape[:0:-1]:
        strides.insert(0, strides[0] * size)
    return tuple(strides)
