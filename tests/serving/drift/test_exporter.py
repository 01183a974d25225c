"""The exporter when things are missing: it serves on, and says so."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from sparseinst.cli.drift import command
from sparseinst.errors import StackError
from sparseinst.serving.drift.exporter import Exporter
from sparseinst.serving.drift.source import Source
from sparseinst.serving.drift.watch import Watch
from sparseinst.serving.stack.ports import choose_port


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """Of a server that is not there, and a repository without models."""
    source = Source(name="m", repository=str(tmp_path))
    return Watch(source, [f"http://127.0.0.1:{choose_port(set())}/metrics"], 60)


def test_without_server_and_evaluation_it_says_that_it_is_not_up(watch: Watch, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "sparseinst.drift"), Exporter(watch, "127.0.0.1", 0) as exporter:
        exporter.look()
        exporter.look()
        exporter.start()
        answer = requests.get(exporter.url, timeout=10)
        assert requests.get(exporter.url + "/more", timeout=10).status_code == 404
    assert answer.text.splitlines()[1:] == ["# TYPE sparseinst_drift_up gauge", "sparseinst_drift_up 0.0"]
    (told,) = [record.getMessage() for record in caplog.records]  # once, not at every look
    assert "The metrics cannot be read." in told
    assert "no model 'm'" in told


def test_a_port_that_is_taken_is_named(watch: Watch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(StackError, match="cannot listen") as caught:
            Exporter(watch, "127.0.0.1", other.getsockname()[1])
    assert "--port" in caught.value.fix


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--json"], "--once"),
        (["--window", "soon"], "90s, 15m, 1h or 2d"),
        (["--window", "0h"], "90s, 15m, 1h or 2d"),
        (["--window", "5s"], "--every must not be longer"),
        (["--model", "grpc://a:1/m", "--name", "m"], "give one"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], words: str):
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
