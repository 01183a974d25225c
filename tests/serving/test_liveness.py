"""Kubernetes' liveness probe against the real server: what is dead is told within its deadline, what is busy is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import sparseinst
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack.ports import choose_port
from sparseinst.serving.stack.stubs import kill_stubs, stubs
from sparseinst.storage import Storage
from tests.serving import slow, tiny
from tests.serving.load import waiting_requests

SCRIPT = Path(sparseinst.__file__).parents[1] / "deploy" / "base" / "liveness.py"


def probe(port: int, *models: str, deadline_s: float = 8.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(SCRIPT), f"--url=127.0.0.1:{port}", f"--deadline={deadline_s}", *models]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def served(servers: stack.StackState, models: Storage, name: str, tmp_path: Path) -> str:
    models.copy_in(tiny.write_export(tmp_path / "export", name) / name, name)
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)
    return name


def test_alive_dead_and_hanging(servers: stack.StackState, served: str):
    http = servers.ports["http"]
    healthy = probe(http, served, "not_loaded_yet")
    assert (healthy.returncode, healthy.stderr) == (0, "")

    triton = psutil.Process(servers.processes["triton"].pid)
    triton.suspend()
    try:
        hanging = probe(http, served, deadline_s=2.0)
    finally:
        triton.resume()
    assert (hanging.returncode, "the server does not answer" in hanging.stderr) == (1, True)
    assert probe(http, served).returncode == 0

    kill_stubs(servers.processes["triton"], served)
    dead = probe(http, "not_loaded_yet", served)
    assert (dead.returncode, dead.stderr) == (1, f"{served}: it fails with HTTP status 500\n")

    nobody = probe(choose_port(()), served)
    assert (nobody.returncode, "refused" in nobody.stderr) == (1, True)
    assert "Traceback" not in nobody.stderr


@pytest.mark.parametrize("batching", ["dynamic_batching { }", slow.FULL_QUEUE, slow.LEVELS])
def test_a_busy_model_is_alive(servers: stack.StackState, models: Storage, name: str, batching: str):
    slow.write_export(models, name, answer_s=0.3, batching=batching)
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)
    with waiting_requests(servers, name, 60):
        busy = probe(servers.ports["http"], name, deadline_s=3.0)
    assert (busy.returncode, busy.stderr) == (0, "")


def test_a_silent_model_is_dead(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, answer_s=3.0)
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)
    silent = probe(servers.ports["http"], name, deadline_s=2.5)
    assert (silent.returncode, silent.stderr) == (1, f"{name}: it is silent\n")


def test_one_dead_process_of_several_is_told(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, answer_s=0.2, instances=2)
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)
    stubs(servers.processes["triton"], name)[0].kill()
    half = probe(servers.ports["http"], name)
    assert (half.returncode, half.stderr) == (1, f"{name}: it fails with HTTP status 500\n")


def test_a_model_with_another_contract_is_left_alone(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, tensor="sound")
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)
    assert probe(servers.ports["http"], name).returncode == 0
