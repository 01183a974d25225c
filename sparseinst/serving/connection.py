"""A gRPC connection to a Triton server, whose errors say what happened, where, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, service_pb2
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from sparseinst.closing import Closing
from sparseinst.errors import ConfigError, StackError

_Answer = TypeVar("_Answer")

# Triton's --grpc-restricted-protocol=…:NAME=VALUE; a client sends the value in the header triton-grpc-protocol-NAME.
KEY_NAME = "sparseinst"
KEY_VARIABLE = "SPARSEINST_TRITON_KEY"

_LARGEST_MESSAGE_BYTES = 2**31 - 1  # gRPC's own limit; its default, 4 MiB, is less than one reply with masks
_CHANNEL = [
    ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    # A channel of its own, else a new connection inherits the back-off of an older failed one.
    ("grpc.use_local_subchannel_pool", 1),
]
# A proxy for the world outside has no way to a server on this machine.
_NO_PROXY = ("grpc.enable_http_proxy", 0)
_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One entry of Triton's repository index. `state` is READY, LOADING, UNLOADING or UNAVAILABLE; "" if untouched."""

    name: str
    version: str
    state: str
    reason: str


class Connection(Closing):
    """Calls to one server, each with a deadline. One connection a thread. To be used in a `with` block, or closed.

    Every call raises StackError when the server does not answer or fails, and ConfigError when it refuses what it
    was asked.
    """

    def __init__(self, url: str, *, timeout_s: float, key: str | None = None) -> None:
        """Args:
        url: "host:port" of Triton's gRPC. Nothing is contacted yet.
        timeout_s: The deadline of every call.
        key: What a server with a restricted protocol wants to hear before it loads or unloads models;
            by default SPARSEINST_TRITON_KEY of the environment.
        """
        host, _, port = url.rpartition(":")
        if not host or not port.isdigit() or "/" in host:
            raise ConfigError(
                "The server's address has another form.",
                where=url,
                fix="Write host:port; the port is Triton's gRPC port.",
            )
        self.url = url
        self._timeout_s = timeout_s
        key = os.environ.get(KEY_VARIABLE, "") if key is None else key
        self._headers = {f"triton-grpc-protocol-{KEY_NAME}": key} if key else None
        options = [*_CHANNEL, _NO_PROXY] if host in _THIS_MACHINE else _CHANNEL
        self._client = InferenceServerClient(url, channel_args=options)

    def server_name(self) -> str:
        """What the server was started with as --id."""
        return str(self._call(self._client.get_server_metadata).name)

    def models(self) -> list[ServedModel]:
        """Every model of the server's repository, loaded or not."""
        index: service_pb2.RepositoryIndexResponse = self._call(self._client.get_model_repository_index)
        return [ServedModel(entry.name, entry.version, entry.state, entry.reason) for entry in index.models]

    def model_config(self, model: str, version: str = "") -> ModelConfig:
        return self._call(self._client.get_model_config, model, version).config

    def is_ready(self, model: str, version: str = "") -> bool:
        return bool(self._call(self._client.is_model_ready, model, version))

    def load(self, model: str) -> None:
        """Loads a model, or brings a loaded one to what the repository holds. Returns when it serves."""
        self._call(self._client.load_model, model)

    def unload(self, model: str) -> None:
        self._call(self._client.unload_model, model)

    def infer(
        self, model: str, version: str, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]
    ) -> dict[str, NDArray[Any]]:
        """The named outputs of one request."""
        tensors = []
        for name, array in inputs.items():
            tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(np.ascontiguousarray(array))
            tensors.append(tensor)
        wanted = [InferRequestedOutput(name) for name in outputs]
        result = self._call(self._client.infer, model, tensors, version, outputs=wanted)
        return {name: result.as_numpy(name) for name in outputs}

    def close(self) -> None:
        self._client.close()

    def _call(self, method: Callable[..., _Answer], *arguments: Any, **options: Any) -> _Answer:
        try:
            return method(*arguments, headers=self._headers, client_timeout=self._timeout_s, **options)
        except InferenceServerException as error:
            raise self._explain(error) from error

    def _explain(self, error: InferenceServerException) -> StackError | ConfigError:
        status = (error.status() or "").removeprefix("StatusCode.")
        message = str(error.message()).partition("\n")[0].rstrip(" .;") + "."  # a backend's traceback may follow
        if status == "DEADLINE_EXCEEDED":
            return StackError(
                f"Triton did not answer within {self._timeout_s:g} s.",
                where=self.url,
                fix="Look at its load and its log; give a longer deadline if the machine is slow.",
            )
        if status == "UNAVAILABLE" and error.debug_details() and "connect" in message.lower():
            return StackError(
                "No Triton server answers there.",
                where=self.url,
                details=[message],
                fix="Check the address; for the local stack: `sparseinst stack status`, then `sparseinst stack up`.",
            )
        if status in ("UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED"):
            return StackError(f"Triton failed: {message}", where=self.url, fix="See the server's log.")
        return ConfigError(f"Triton refuses: {message}", where=self.url, fix="Check the model's name and the input.")
