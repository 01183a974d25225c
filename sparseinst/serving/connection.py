"""A gRPC connection to a Triton server, whose errors say what happened, where, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, InferResult, service_pb2
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from sparseinst.closing import Closing
from sparseinst.errors import SparseInstError, StackError
from sparseinst.serving.address import is_near, parse_server
from sparseinst.serving.key import KEY_HEADER as KEY_HEADER
from sparseinst.serving.key import KEY_NAME as KEY_NAME
from sparseinst.serving.key import KEY_VARIABLE as KEY_VARIABLE
from sparseinst.serving.refusals import Call, explain
from sparseinst.serving.retry import NEVER, Retry
from sparseinst.serving.security import Security

_Answer = TypeVar("_Answer")

_LARGEST_MESSAGE_BYTES = 2**31 - 1  # gRPC's own limit; its default, 4 MiB, is less than one reply with masks
_CHANNEL = [
    ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    # A channel of its own, else a new connection inherits the back-off of an older failed one.
    ("grpc.use_local_subchannel_pool", 1),
    # gRPC's own wait of a second would turn retries before that into refusals without a try.
    ("grpc.initial_reconnect_backoff_ms", 100),
]
_NO_PROXY = ("grpc.enable_http_proxy", 0)
_MEMORY_LIMIT_S = 5.0  # a server that serves does it in a millisecond; one that hangs shall not hold up a closing


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One entry of Triton's repository index. `state` is READY, LOADING, UNLOADING or UNAVAILABLE; "" if untouched."""

    name: str
    version: str
    state: str
    reason: str


class Connection(Closing):
    """Calls to one server, each with a deadline. To be used in a `with` block, or closed.

    Threads may share one: it makes only single calls, which gRPC's channel and tritonclient let several threads make
    at a time (of tritonclient's calls only streams may not be shared, and there are none here). A process that forks
    must not use in the child what it opened before.

    Every call raises a StackError when the server does not answer or fails, and a ConfigError when it refuses what it
    was asked; `sparseinst.serving.refusals` has one class for each reason that a program may want to tell apart.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        key: str | None = None,
        security: Security | None = None,
        retry: Retry = NEVER,
    ) -> None:
        """Nothing is contacted yet.

        Args:
            url: "host:port" of Triton's gRPC; with grpcs:// in front, over TLS.
            timeout_s: The deadline of every call, its retries included.
            key: What a server with a restricted protocol wants to hear before it loads or unloads models;
                by default SPARSEINST_TRITON_KEY of the environment.
            security: For TLS; by default what the environment says, where the url asks for TLS.
            retry: When a call is made again.

        Raises:
            ConfigError: The address has another form, or a file for TLS is missing or wrong.
        """
        server = parse_server(url)
        if security is None and server.is_tls:
            security = Security.from_environment()
        self.url = url
        self.security = security
        self._timeout_s = timeout_s
        self._retry = retry
        key = os.environ.get(KEY_VARIABLE, "") if key is None else key
        self._headers = {KEY_HEADER: key} if key else None
        self._is_tls = security is not None
        options: list[tuple[str, Any]] = [*_CHANNEL, _NO_PROXY] if is_near(server.host) else [*_CHANNEL]
        if security is not None and security.server_name:
            options.append(("grpc.ssl_target_name_override", security.server_name))
        tls = security.channel_options() if security is not None else {}
        self._client = InferenceServerClient(server.target, channel_args=options, **tls)

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

    def successes(self, model: str) -> int:
        """How many requests the model's loaded versions have answered so far; failed ones do not count."""
        answer = self._call(self._client.get_inference_statistics, model)
        return sum(int(entry.inference_stats.success.count) for entry in answer.model_stats)

    def infer(
        self,
        model: str,
        version: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        *,
        priority: int = 0,
        timeout_s: float | None = None,
        parameters: Mapping[str, str | int | float | bool] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """The named outputs of one request.

        Args:
            parameters: The request's own; the front door takes its options so.
            priority: 1 goes first, 0 is the model's own default.
            timeout_s: Another deadline than the connection's.
        """
        tensors = []
        for name, array in inputs.items():
            tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(np.ascontiguousarray(array))
            tensors.append(tensor)
        wanted = [InferRequestedOutput(name) for name in outputs]
        result = self.ask(
            model, version, tensors, wanted, priority=priority, timeout_s=timeout_s, parameters=parameters
        )
        return {name: result.as_numpy(name) for name in outputs}

    def ask(
        self,
        model: str,
        version: str,
        tensors: Sequence[InferInput],
        wanted: Sequence[InferRequestedOutput],
        *,
        priority: int = 0,
        timeout_s: float | None = None,
        parameters: Mapping[str, str | int | float | bool] | None = None,
    ) -> InferResult:
        """One request in Triton's own words, for those who choose where the tensors lie."""
        return self._call(
            self._client.infer,
            model,
            tensors,
            version,
            outputs=wanted,
            priority=priority,
            timeout_s=timeout_s,
            parameters=dict(parameters) if parameters else None,
        )

    def register_memory(self, name: str, byte_size: int) -> None:
        """Makes the shared memory /dev/shm/`name` of the server's machine known to the server, under the same name."""
        register = self._client.register_system_shared_memory
        self._call(register, name, f"/{name}", byte_size, timeout_s=min(self._timeout_s, _MEMORY_LIMIT_S))

    def unregister_memory(self, name: str) -> None:
        """The server lets go of it. Not known is no error."""
        unregister = self._client.unregister_system_shared_memory
        self._call(unregister, name, timeout_s=min(self._timeout_s, _MEMORY_LIMIT_S))

    def close(self) -> None:
        """Ends the calls that still run, too: they raise a StackError."""
        self._client.close()

    def _call(
        self, method: Callable[..., _Answer], *arguments: Any, timeout_s: float | None = None, **options: Any
    ) -> _Answer:
        limit_s = self._timeout_s if timeout_s is None else timeout_s

        def attempt(left_s: float) -> _Answer:
            try:
                return method(*arguments, headers=self._headers, client_timeout=left_s, **options)
            except InferenceServerException as error:
                raise self._explain(error, limit_s) from error
            except ValueError as error:  # gRPC's, for a channel that was closed
                if "closed" not in str(error):
                    raise
                raise StackError("The connection was closed.", where=self.url, fix="Use it inside `with`.") from error

        return self._retry.call(attempt, limit_s)

    def _explain(self, error: InferenceServerException, limit_s: float) -> SparseInstError:
        return explain(error, Call(self.url, limit_s, has_key=self._headers is not None, is_tls=self._is_tls))
