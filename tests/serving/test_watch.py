"""The watcher: what dies is served again, without a fight with those who change the stack on purpose."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sparseinst.errors import SparseInstError
from sparseinst.serving import stack
from sparseinst.serving.client import TritonClient
from sparseinst.serving.rollout.lock import rollout_lock
from sparseinst.serving.stack.lock import alone
from sparseinst.serving.stack.stubs import kill_stubs
from sparseinst.serving.stack.watch import Patience, look
from sparseinst.storage import Storage
from tests.serving import tiny

PATIENCE_S = 60


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def served(
    environment: stack.StackState, models: Storage, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    models.copy_in(tiny.write_export(tmp_path_factory.mktemp("export"), kept_name) / kept_name, kept_name)
    return kept_name


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "sparseinst")
    return caplog


@pytest.fixture
def watcher(servers: stack.StackState, tmp_path: Path) -> Iterator[Path]:
    """The log of a watcher that looks twice a second, as a person runs it."""
    path = tmp_path / "watch.log"
    command = [sys.executable, "-m", "sparseinst", "stack", "watch", "--root", str(servers.root), "--every", "0.5"]
    with path.open("w") as output, subprocess.Popen(command, stderr=output) as process:
        wait_for(lambda: "watching the stack" in path.read_text(), "the watcher")
        yield path
        process.terminate()
        assert process.wait(timeout=60) == 143
    assert "Traceback" not in path.read_text()


def answers(servers: stack.StackState, name: str) -> bool:
    with TritonClient(servers.triton_url, name, timeout_s=5) as client:
        try:
            client.infer(tiny.random_images(1, 32, 32), ["scores"])
        except SparseInstError:
            return False
    return True


def test_a_killed_stub_and_a_killed_server_are_served_again(served: str, servers: stack.StackState, watcher: Path):
    kill_stubs(servers.processes["triton"], served)
    wait_for(lambda: f"triton loaded '{served}'" in watcher.read_text(), "the model to be loaded anew")
    assert answers(servers, served)
    assert f"'{served}' is dead: " in watcher.read_text()

    os.kill(servers.processes["triton"].pid, signal.SIGKILL)
    wait_for(lambda: answers(servers, served), "the server to be back")
    assert f"its process {servers.processes['triton'].pid} has died" in watcher.read_text()
    state = stack.read_state(servers.root)
    assert (state.triton_url, state.processes["s3"]) == (servers.triton_url, servers.processes["s3"])


def test_a_model_that_is_rolled_out_is_left_to_the_rollout(served: str, servers: stack.StackState, models: Storage):
    with rollout_lock(models, served):
        kill_stubs(servers.processes["triton"], served)
        assert look(servers.root, Patience())
        assert not answers(servers, served)
    assert look(servers.root, Patience())
    assert answers(servers, served)


def test_while_another_command_works_on_the_stack_nothing_is_repaired(served: str, servers: stack.StackState):
    with alone(servers.root):
        kill_stubs(servers.processes["triton"], served)
        assert look(servers.root, Patience())
        assert not answers(servers, served)


def test_a_model_that_cannot_be_loaded_is_tried_ever_more_seldom_and_others_are_still_repaired(
    served: str,
    servers: stack.StackState,
    models: Storage,
    name: str,
    log: pytest.LogCaptureFixture,
):
    models.write_bytes(f"{name}/config.pbtxt", b"no configuration")
    now = [0.0]
    patience = Patience(clock=lambda: now[0])
    for now[0] in (0, 5, 10, 15):  # due at 0 and 10, and then at 30
        assert look(servers.root, patience)
    assert log.text.count(f"triton cannot load '{name}'") == 2

    kill_stubs(servers.processes["triton"], served)
    now[0] = 20
    assert look(servers.root, patience)
    assert answers(servers, served)
    assert log.text.count(f"triton cannot load '{name}'") == 2


def test_a_stack_that_is_down_is_not_brought_up(tmp_path: Path):
    stack.StackState(root=tmp_path, ports={"s3": 1, "grpc": 2}).write()
    assert not look(tmp_path, Patience())
    stack.watch(tmp_path)
    assert stack.read_state(tmp_path).processes == {}


def test_patience_ends_at_five_minutes_and_begins_anew_for_what_served_meanwhile():
    now = [0.0]
    patience = Patience(clock=lambda: now[0])
    waits = []
    for _ in range(8):
        patience.tried("model")
        tried = now[0]
        while not patience.is_due("model"):
            now[0] += 5
        waits.append(now[0] - tried)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]
    patience.tried("model")
    patience.keep({"other"})
    assert patience.is_due("model")
