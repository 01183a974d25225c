"""Whatever is sent to the raw model, over gRPC or HTTP: a clear refusal, and the next good request is answered."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import grpc
import numpy as np
import pytest
import requests
from tritonclient.grpc import service_pb2, service_pb2_grpc

from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack.watch import Patience, look
from sparseinst.storage import Storage
from tests.serving import small

GOOD = (1, 3, 8, 8)


class Door:
    """The model `name`, over gRPC and HTTP, without any client's checks."""

    def __init__(self, servers: stack.StackState, name: str) -> None:
        self.name = name
        self.http_port = servers.ports["http"]
        self._channel = grpc.insecure_channel(servers.triton_url, [("grpc.enable_http_proxy", 0)])
        self._calls = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def request(
        self,
        shape: Sequence[int] = GOOD,
        *,
        dtype: str = "UINT8",
        data: bytes | None = None,
        tensor: str = "image",
        inputs: int = 1,
        outputs: Sequence[str] = ("scores",),
        model: str | None = None,
        version: str = "",
    ) -> Any:
        name = self.name if model is None else model
        request = service_pb2.ModelInferRequest(model_name=name, model_version=version)
        for _ in range(inputs):
            request.inputs.add(name=tensor, datatype=dtype, shape=shape)
            request.raw_input_contents.append(bytes(int(np.prod(shape))) if data is None else data)
        for output in outputs:
            request.outputs.add(name=output)
        return request

    def grpc(self, request: Any) -> tuple[str, str]:
        """The status and, of a failure, the message."""
        try:
            self._calls.ModelInfer(request, timeout=30)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        return "OK", ""

    def http(self, body: bytes, path: str = "", **headers: str) -> tuple[int, str]:
        """The status and, of a failure, the message."""
        url = f"http://127.0.0.1:{self.http_port}/v2/models/{path or self.name}/infer"
        answer = requests.post(url, data=body, headers=headers, timeout=30)
        return answer.status_code, "" if answer.ok else answer.json()["error"]


@pytest.fixture(scope="module")
def door(
    environment: stack.StackState, models: Storage, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    models.copy_in(small.write_export(tmp_path_factory.mktemp("export"), kept_name), kept_name)
    with Connection(environment.triton_url, timeout_s=60) as connection:
        connection.load(kept_name)
    door = Door(environment, kept_name)
    yield door
    door.close()


def tensor(shape: Sequence[Any] = GOOD, **changed: Any) -> bytes:
    """A request in JSON, with its data in numbers."""
    entry = {"name": "image", "datatype": "UINT8", "shape": shape, "data": [1] * 192}
    return json.dumps({"inputs": [entry | changed], "outputs": [{"name": "scores"}]}).encode()


def binary(claimed_bytes: int, shape: Sequence[int] = GOOD) -> tuple[bytes, dict[str, str]]:
    """A request in JSON, with 192 bytes of data behind it, and its header."""
    size = {"binary_data_size": claimed_bytes}
    entry = {"name": "image", "datatype": "UINT8", "shape": shape, "parameters": size}
    header = json.dumps({"inputs": [entry], "outputs": [{"name": "scores"}]}).encode()
    return header + bytes(192), {"Inference-Header-Content-Length": str(len(header))}


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ({"dtype": "FP32", "data": np.full(GOOD, np.nan, np.float32).tobytes()}, "INVALID_ARGUMENT", "expects 'UINT8'"),
        ({"dtype": "COLOUR"}, "INVALID_ARGUMENT", "expects 'UINT8'"),
        ({"shape": (3, 8, 8)}, "INVALID_ARGUMENT", "unexpected shape"),
        ({"shape": (1, 1, 3, 8, 8)}, "INVALID_ARGUMENT", "unexpected shape"),
        ({"shape": (1, 4, 8, 8)}, "INVALID_ARGUMENT", "unexpected shape"),
        ({"shape": ()}, "INVALID_ARGUMENT", ""),
        ({"shape": (1, 3, 0, 0)}, "INTERNAL", "0 x 0 pixels: this model takes 3 channels and 1 to 4096 pixels"),
        ({"shape": (1, 3, 0, 5)}, "INTERNAL", "5 x 0 pixels: this model takes"),
        ({"shape": (0, 3, 8, 8)}, "INVALID_ARGUMENT", "byte size mismatch"),
        ({"shape": (1, 3, 1, 30_000)}, "INTERNAL", "30000 x 1 pixels: this model takes"),
        ({"shape": (1, 3, 64, 65)}, "INTERNAL", "65 x 64 pixels: this model takes"),
        ({"shape": (1, 3, 20_000, 20_000), "data": b"x"}, "INVALID_ARGUMENT", "Expected 1200000000, got 1"),
        ({"shape": (1, 3, -1, -1), "data": b""}, "INVALID_ARGUMENT", "All input dimensions should be specified"),
        ({"shape": (-1, 3, 8, 8), "data": bytes(192)}, "INVALID_ARGUMENT", "byte size mismatch"),
        ({"inputs": 0}, "INVALID_ARGUMENT", "missing required input"),
        ({"inputs": 2}, "INVALID_ARGUMENT", "already exists"),
        ({"tensor": "picture"}, "INVALID_ARGUMENT", "unexpected inference input 'picture'"),
        ({"outputs": ["boxes"]}, "INVALID_ARGUMENT", "unexpected inference output 'boxes'"),
        ({"outputs": ["x" * 1000]}, "INVALID_ARGUMENT", "unexpected inference output"),
        ({"outputs": ["scores"] * 10_000}, "OK", ""),
        ({"shape": (9, 3, 8, 8)}, "INVALID_ARGUMENT", "batch-size must be <= 8"),
        ({"data": bytes(191)}, "INVALID_ARGUMENT", "Expected 192, got 191"),
        ({"data": bytes(193)}, "INVALID_ARGUMENT", "Expected 192, got 193"),
        ({"model": "nothing"}, "NOT_FOUND", "unknown model"),
        ({"model": "../../etc/passwd"}, "NOT_FOUND", "unknown model"),
        ({"version": "7"}, "NOT_FOUND", "version 7 is not found"),
        ({"version": "-1"}, "INVALID_ARGUMENT", "integral value > 0"),
        ({"version": "9" * 99}, "INVALID_ARGUMENT", "integral value > 0"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_over_grpc(door: Door, asked: dict[str, Any], code: str, message: str):
    answer, said = door.grpc(door.request(**asked))
    assert (answer, message in said) == (code, True), said
    assert door.grpc(door.request()) == ("OK", "")


def test_a_tensor_in_a_shared_memory_that_is_not_there(door: Door):
    request = door.request()
    request.ClearField("raw_input_contents")
    request.inputs[0].parameters["shared_memory_region"].string_param = "nowhere"
    request.inputs[0].parameters["shared_memory_byte_size"].int64_param = 192
    assert door.grpc(request) == ("NOT_FOUND", "Unable to find shared memory region: 'nowhere'")
    assert door.grpc(door.request()) == ("OK", "")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "can not be deduced"),
        (b"{", "failed to parse the request JSON"),
        (b"\x00\xff" * 500, "failed to parse the request JSON"),
        (b"[" * 100_000, "failed to parse the request JSON"),
        (b"[]", "Unable to parse 'inputs'"),
        (b"{}", "Unable to parse 'inputs'"),
        (tensor(data=["a"] * 192), "Unable to parse 'data'"),
        (tensor(data=[-1] * 192), "Unable to parse 'data'"),
        (tensor(data=[float("nan")] * 192), "Unable to parse 'data'"),
        (tensor(data=[1] * 191), "Shape does not match true shape of 'data'"),
        (tensor(shape=[1, 3, -8, -8]), "Unable to parse 'shape'"),
        (tensor(shape=[1, 3, 2.5, 8]), "Unable to parse 'shape'"),
        (tensor(shape="large"), "Unable to parse 'shape'"),
        (tensor(shape=[9, 3, 8, 8], data=[1] * 9 * 192), "batch-size must be <= 8"),
        (tensor(datatype="COLOUR"), "invalid datatype"),
        (tensor(name=5), "Unable to parse 'name'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_over_http(door: Door, body: bytes, message: str):
    status, said = door.http(body)
    assert (status >= 400, message in said) == (True, True), said
    assert door.http(tensor()) == (200, "")


@pytest.mark.parametrize(
    ("claimed_bytes", "message"),
    [(10**9, "additional bytes"), (5, "unexpected additional input data"), (-5, "Unable to parse 'binary_data_size'")],
)
def test_lengths_that_lie(door: Door, claimed_bytes: int, message: str):
    body, headers = binary(claimed_bytes)
    status, said = door.http(body, **headers)
    assert (status >= 400, message in said) == (True, True), said
    for length in ("5", "100000", "-5"):
        assert door.http(body, **{"Inference-Header-Content-Length": length})[0] >= 400
    body, headers = binary(1_200_000_000, (1, 3, 20_000, 20_000))
    assert "expecting 1199999808 additional bytes" in door.http(body, **headers)[1]
    body, headers = binary(192)
    assert door.http(body, **headers) == (200, "")


@pytest.mark.parametrize("path", ["nothing", "..%2f..%2fetc", "%00"])
def test_models_that_are_not_there_over_http(door: Door, path: str):
    assert door.http(tensor(), path)[0] in (400, 404)
    assert door.http(tensor()) == (200, "")


def test_encodings_that_are_none(door: Door):
    assert door.http(tensor(), **{"Content-Encoding": "secret"})[0] >= 400
    assert door.http(b"not packed", **{"Content-Encoding": "gzip"})[0] >= 400
    assert door.http(tensor()) == (200, "")


@pytest.mark.parametrize("port", ["http", "grpc"])
@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        bytes(1000),
        b"GET / HTTP/1.1\r\nX-Large: " + b"a" * 1_000_000,
        b"POST /v2/models/x/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{}",
        b"POST /v2/models/x/infer HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /v2/models/x/infer HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{}",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(range(255, -1, -1)) * 4,
    ],
    ids=lambda value: repr(value)[:40],
)
def test_no_protocol_at_all(door: Door, environment: stack.StackState, port: str, sent: bytes):
    address = ("127.0.0.1", environment.ports[port])
    with socket.create_connection(address, timeout=10) as connection, suppress(ConnectionError):  # it is cut off
        connection.sendall(sent)
    assert door.grpc(door.request()) == ("OK", "")
    assert door.http(tensor()) == (200, "")


def test_what_triton_does_not_survive_is_repaired(door: Door, environment: stack.StackState):
    """Triton 2.51 multiplies sizes without a look at overflow, and reads nested JSON by recursion."""
    assert door.grpc(door.request((1, 3, 2**32, 2**32), data=b""))[0] == "INTERNAL"
    assert look(environment.root, Patience())
    assert door.grpc(door.request()) == ("OK", "")

    nested = b'{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,3,8,8],"data":' + b"[" * 50_000
    with pytest.raises(requests.ConnectionError):
        door.http(nested + b"]" * 50_000 + b"}]}")
    assert look(environment.root, Patience())
    assert door.http(tensor()) == (200, "")
