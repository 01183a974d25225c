"""A call is made again only where nothing was done for it."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from sparseinst.errors import ConfigError, StackError
from sparseinst.serving.client import TritonClient
from sparseinst.serving.refusals import DeadlinePassed, NoServer, QueueFull, QueueTimeout, Restricted
from sparseinst.serving.retry import NEVER, Retry
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton
from tests.tcp_gate import TcpGate


class Server:
    """Refuses as often as it is told to."""

    def __init__(self, refusal: Exception, times: int) -> None:
        self.refusal, self.left, self.calls = refusal, times, 0

    def __call__(self, timeout_s: float) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.refusal
        return "answer"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for; none is made."""
    made: list[float] = []
    monkeypatch.setattr("sparseinst.serving.retry.time.sleep", made.append)
    monkeypatch.setattr("sparseinst.serving.retry.random.uniform", lambda low, high: high)
    return made


def test_a_connection_that_could_not_be_made_is_made_again_with_growing_waits(waits: list[float]):
    server = Server(NoServer("nobody"), 4)
    assert Retry(times=4, first_wait_s=1, longest_wait_s=3).call(server, 60) == "answer"
    assert waits == [1, 2, 3, 3] and server.calls == 5


def test_retries_have_an_end(waits: list[float]):
    server = Server(NoServer("nobody"), 99)
    with pytest.raises(NoServer):
        Retry(times=2).call(server, 60)
    assert server.calls == 3
    with pytest.raises(NoServer):
        NEVER.call(server, 60)
    assert server.calls == 4


def test_no_retry_begins_that_the_deadline_would_end(waits: list[float]):
    server = Server(NoServer("nobody"), 99)
    with pytest.raises(NoServer):
        Retry(times=9, first_wait_s=5, longest_wait_s=5).call(server, 1)
    assert server.calls == 1 and waits == []


def test_a_full_queue_is_asked_again_only_on_request(waits: list[float]):
    server = Server(QueueFull("full"), 1)
    with pytest.raises(QueueFull):
        Retry().call(server, 60)
    server = Server(QueueFull("full"), 1)
    assert Retry(queue_full=True).call(server, 60) == "answer"


@pytest.mark.parametrize("refusal", [Restricted, DeadlinePassed, QueueTimeout, ConfigError, StackError])
def test_everything_else_is_told_at_once(refusal: type[Exception], waits: list[float]):
    server = Server(refusal("no"), 1)
    with pytest.raises(refusal):
        Retry(times=9, queue_full=True).call(server, 60)
    assert server.calls == 1 and waits == []


def test_a_negative_number_of_retries_is_no_setting():
    with pytest.raises(ConfigError):
        Retry(times=-1)


def test_a_server_that_comes_up_a_little_later_is_waited_for(
    server: OwnTriton, published: str, monkeypatch: pytest.MonkeyPatch
):
    with TcpGate(f"http://{server.url}") as gate:
        gate.shut()
        refused = threading.Event()
        sleep = threading.Event().wait  # not time.sleep, which is replaced

        def open_first(seconds: float) -> None:
            refused.set()
            gate.open()
            sleep(seconds)

        monkeypatch.setattr("sparseinst.serving.retry.time.sleep", open_first)
        patient = Retry(times=20, first_wait_s=0.2, longest_wait_s=0.5)
        with TritonClient(gate.url.removeprefix("http://"), published, retry=patient) as client:
            assert len(client.predict(pictures(1, 64, 64)[0])) == 2
        assert refused.is_set() and gate.refused >= 1


def test_a_request_whose_connection_breaks_is_not_sent_again(server: OwnTriton, published: str):
    triton = server.pid
    with (
        TcpGate(f"http://{server.url}") as gate,
        TritonClient(gate.url.removeprefix("http://"), published, retry=Retry(times=20, queue_full=True)) as client,
    ):
        _ = client.metadata
        os.kill(triton, signal.SIGSTOP)  # it has the request, and does not answer
        try:
            answer = client.predict_async(pictures(1, 64, 64)[0])
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.5)
            gate.shut()
            with pytest.raises(StackError, match="broke the connection"):
                answer.result(timeout=30)
        finally:
            os.kill(triton, signal.SIGCONT)
        assert gate.refused == 0
