"""A bucket that is away for a while, or for good, while a step copies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sparseinst.errors import StorageError
from sparseinst.storage import s3_fetch
from sparseinst.workspace import fetch, open_workspace
from sparseinst.workspace import push as push_module
from tests.tcp_gate import TcpGate
from tests.workspace.test_bucket import FILES, held, make

pytestmark = pytest.mark.stack

Machine = Callable[[str], Path]


@pytest.fixture
def gate(s3_uri: str, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[TcpGate]:
    """The way to the server; nobody waits long on it."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3_fetch, "_FIRST_WAIT_S", 0.2)
    monkeypatch.setattr(s3_fetch, "_LONGEST_WAIT_S", 0.5)
    with TcpGate(s3_server["AWS_ENDPOINT_URL"]) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        yield made


def test_a_bucket_that_comes_back_costs_only_time(s3_uri: str, machine: Machine, gate: TcpGate) -> None:
    machine("one")
    gate.shut()
    threading.Timer(0.8, gate.open).start()
    make(s3_uri, FILES)
    machine("other")
    gate.shut()
    threading.Timer(0.8, gate.open).start()
    assert held(fetch(f"{s3_uri}/dataset")) == FILES


def test_one_that_stays_away_fails_the_step_and_the_next_attempt_makes_the_part_whole(
    s3_uri: str, machine: Machine, gate: TcpGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("one")
    monkeypatch.setattr(s3_fetch, "_FAILURES", 2)
    honest = push_module._upload

    def goes_away(*arguments: object) -> None:
        gate.shut()
        honest(*arguments)

    with monkeypatch.context() as patch, pytest.raises(StorageError) as failed:
        patch.setattr(push_module, "_upload", goes_away)
        make(s3_uri, FILES)
    assert failed.value.fix
    gate.open()
    machine("other")
    with pytest.raises(StorageError):
        fetch(f"{s3_uri}/dataset")
    make(s3_uri, FILES)
    assert held(fetch(f"{s3_uri}/dataset")) == FILES


def test_the_error_of_the_step_is_what_is_told_also_where_nothing_can_be_kept(
    s3_uri: str, machine: Machine, gate: TcpGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("one")
    monkeypatch.setattr(s3_fetch, "_FAILURES", 2)
    with pytest.raises(ZeroDivisionError), open_workspace(s3_uri).make("train") as output:
        output.mkdir()
        (output / "half").write_bytes(b"half")
        gate.shut()
        1 / 0  # noqa: B018
