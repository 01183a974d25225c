"""Every way in which a real Triton refuses, told apart: most of them are UNAVAILABLE to gRPC."""

from __future__ import annotations

import os
from concurrent.futures import wait
from pathlib import Path

import pytest

from sparseinst.errors import ConfigError, StackError
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.refusals import NoServer, QueueFull, QueueTimeout, Restricted, TlsFailed
from sparseinst.serving.retry import Retry
from sparseinst.serving.security import Security
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton

IMAGE = pictures(1, 64, 64)[0]


def test_a_full_queue_is_told_at_once(server: OwnTriton, full: str):
    with TritonClient(server.url, full, concurrency=4) as client:
        _ = client.metadata
        futures = [client.predict_async(IMAGE) for _ in range(4)]
        wait(futures)
    refused = [error for future in futures if (error := future.exception())]
    assert refused and all(isinstance(error, QueueFull) for error in refused)
    assert "fewer requests at a time" in refused[0].fix and "more instances" in refused[0].fix


def test_a_full_queue_is_waited_for_where_that_was_asked(server: OwnTriton, full: str):
    patient = Retry(times=100, first_wait_s=0.05, longest_wait_s=0.1, queue_full=True)
    with TritonClient(server.url, full, concurrency=3, retry=patient) as client:
        assert [len(found) for found in client.predict_many([IMAGE] * 3)] == [2, 2, 2]


def test_a_request_that_waited_too_long_in_the_queue(server: OwnTriton, late: str):
    with (
        TritonClient(server.url, late) as client,
        pytest.raises(QueueTimeout, match="waited too long") as late,
    ):
        client.predict(IMAGE)
    assert "more instances" in late.value.fix


def test_loading_without_the_key_names_the_variable(server: OwnTriton, monkeypatch: pytest.MonkeyPatch):
    for key, words in ((None, "wants the key"), ("wrong", "wants the right key")):
        monkeypatch.delenv("SPARSEINST_TRITON_KEY", raising=False)
        with (
            Connection(server.url, timeout_s=5, key=key) as connection,
            pytest.raises(Restricted, match=words) as refused,
        ):
            connection.load("sparseinst")
        assert "SPARSEINST_TRITON_KEY" in refused.value.fix
    monkeypatch.setenv("SPARSEINST_TRITON_KEY", server.key)
    with Connection(server.url, timeout_s=60) as connection:
        connection.unload("a model that nobody loaded")


def test_a_client_without_the_key_is_told_of_an_unknown_model_all_the_same(server: OwnTriton):
    with (
        TritonClient(server.url, "nonsense", key="") as client,
        pytest.raises(ConfigError, match="does not serve 'nonsense'") as unknown,
    ):
        client.predict(IMAGE)
    assert unknown.value.fix == "Name a model that it serves."


def test_shared_memory_without_the_key_is_refused_and_leaves_nothing(server: OwnTriton, full: str):
    with (
        TritonClient(server.url, full, key="", shared_memory=True) as client,
        pytest.raises(ConfigError, match="does not take shared memory") as refused,
    ):
        client.predict(IMAGE)
    assert "SPARSEINST_TRITON_KEY" in refused.value.fix and "do without shared memory" in refused.value.fix
    assert not list(Path("/dev/shm").glob(f"sparseinst-client-{os.getpid()}-*"))


def test_tls_to_a_server_without_it(server: OwnTriton):
    with (
        Connection(f"grpcs://{server.url}", timeout_s=5, security=Security()) as connection,
        pytest.raises(TlsFailed, match="does not speak TLS") as refused,
    ):
        connection.server_name()
    assert "grpc://" in refused.value.fix


def test_the_port_of_another_protocol_and_a_name_that_nobody_has(server: OwnTriton):
    with (
        Connection(f"127.0.0.1:{server.state.ports['http']}", timeout_s=5) as connection,
        pytest.raises(StackError, match="broke the connection"),
    ):
        connection.server_name()
    with (
        Connection("nobody.invalid:8001", timeout_s=5) as connection,
        pytest.raises(NoServer, match="No Triton server answers there"),
    ):
        connection.server_name()
