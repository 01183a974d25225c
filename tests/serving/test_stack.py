"""The local stack: real servers, started, killed, taken down."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from sparseinst.errors import StackError
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack.stubs import stubs
from sparseinst.storage import Storage, open_storage
from tests.serving import slow, tiny

STOPPED_S = 30


@pytest.fixture
def root(triton_files: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder for a stack of one test."""
    yield tmp_path / "stack"
    stack.down(tmp_path / "stack")


def processes_in(root: Path) -> list[psutil.Process]:
    """Every living process that works in the folder: servers and what they started."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sparseinst", "stack", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + STOPPED_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def test_up_status_down_as_a_person_uses_them(root: Path):
    up = run("up", "--root", str(root))
    assert up.returncode == 0, up.stderr
    assert (up.stdout.count("serves"), up.stdout.count("watches")) == (2, 1)
    assert stat.S_IMODE((root / "stack.json").stat().st_mode) == 0o600
    before = stack.read_state(root)

    again = run("up", "--root", str(root), "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["healthy"]
    assert stack.read_state(root) == before, "a stack that serves is left alone"

    down = run("down", "--root", str(root))
    assert down.returncode == 0
    assert down.stdout == "ended: s3, triton, watch\n"
    assert not processes_in(root)

    status = run("status", "--root", str(root), "--json")
    assert status.returncode == 7
    assert not json.loads(status.stdout)["healthy"]
    assert "sparseinst stack up" in status.stderr
    assert "Traceback" not in status.stderr

    nothing = run("down", "--root", str(root))
    assert (nothing.returncode, nothing.stdout) == (0, "no server was running\n")


def test_status_where_no_stack_ever_was(tmp_path: Path):
    with pytest.raises(StackError, match="There is no stack"):
        stack.status(tmp_path)
    assert stack.down(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_servers_listen_on_this_machine_only(servers: stack.StackState):
    pids = {process.pid for process in processes_in(servers.root)}
    addresses = {
        connection.laddr.ip.removeprefix("::ffff:")
        for connection in psutil.net_connections(kind="inet")
        if connection.pid in pids and connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


@pytest.mark.parametrize("port", ["s3", "grpc"])
def test_a_taken_port_is_refused_with_the_name_of_who_has_it(root: Path, port: str):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(StackError) as refused:
            stack.up(root, {port: taken})
    assert f"Port {taken}" in refused.value.problem
    assert f"(pid {os.getpid()})" in refused.value.problem
    assert f"--{port}-port" in refused.value.fix
    assert not processes_in(root)


def test_a_running_stack_does_not_move_to_other_ports(servers: stack.StackState):
    with pytest.raises(StackError, match="other ports for grpc"):
        stack.up(servers.root, {"grpc": servers.ports["grpc"] + 1})
    assert stack.up(servers.root, {"grpc": servers.ports["grpc"]}) == servers


@pytest.fixture(scope="module")
def published(
    environment: stack.StackState, models: Storage, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a model in the repository; `up` has not loaded it yet."""
    models.copy_in(tiny.write_export(tmp_path_factory.mktemp("export"), kept_name) / kept_name, kept_name)
    return kept_name


def test_a_killed_triton_is_noticed_and_brought_back_with_its_models(
    published: str, servers: stack.StackState, models: Storage
):
    assert [(model.name, model.problem) for model in stack.status(servers.root).models] == [(published, "")]
    models.write_bytes(f"{published}_candidate/config.pbtxt", models.read_bytes(f"{published}/config.pbtxt"))

    os.kill(servers.processes["triton"].pid, signal.SIGKILL)
    wait_for(lambda: stack.status(servers.root).problems, "the death to be noticed")
    assert "has died" in stack.status(servers.root).problems[0]

    repaired = stack.up(servers.root)
    assert repaired.processes["s3"] == servers.processes["s3"], "what serves is left alone"
    assert repaired.triton_url == servers.triton_url, "clients find it where it was"
    assert stack.status(servers.root).problems == [], "the candidate of a rollout is not missed"
    models.delete_prefix(f"{published}_candidate")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_stub_that_is_dead_or_hangs_is_noticed_although_triton_says_ready_and_up_repairs_it(
    published: str, servers: stack.StackState, number: signal.Signals
):
    stub, *_ = stubs(servers.processes["triton"], published)
    stub.send_signal(number)
    (problem,) = stack.status(servers.root).problems
    assert published in problem
    with Connection(servers.triton_url, timeout_s=10) as connection:
        assert connection.is_ready(published), "Triton knows nothing of it"
    stack.up(servers.root)
    assert stack.status(servers.root).problems == []
    assert stub not in stubs(servers.processes["triton"], published)


def test_a_server_that_hangs_is_noticed_and_goes_on_when_it_is_let(published: str, servers: stack.StackState):
    triton = psutil.Process(servers.processes["triton"].pid)
    triton.suspend()
    try:
        (problem,) = stack.status(servers.root).problems
        assert problem.startswith("server triton: Triton did not answer within")
    finally:
        triton.resume()
    wait_for(lambda: not stack.status(servers.root).problems, "the server to go on")


def test_a_model_that_is_just_being_loaded_is_no_failure(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, load_s=1.5)
    with Connection(servers.triton_url, timeout_s=60) as connection, ThreadPoolExecutor() as pool:
        load = pool.submit(connection.load, name)
        wait_for(lambda: any(model.is_changing for model in stack.status(servers.root).models), "the load to begin")
        load.result()
    assert stack.status(servers.root).problems == []


def test_a_model_that_does_not_load_is_told_and_does_not_keep_the_stack_down(
    servers: stack.StackState, models: Storage, name: str, tmp_path: Path
):
    export = tiny.write_export(tmp_path / "export", name)
    (export / name / "1" / "model.pt").write_bytes(b"no model")
    models.copy_in(export / name, name)
    stack.up(servers.root)
    assert f"model {name}: is not loaded; see Triton's log" in stack.status(servers.root).problems


def test_a_killed_s3_server_comes_back_with_its_data_and_its_keys(servers: stack.StackState):
    data = open_storage("s3://data")
    data.write_bytes("kept", b"bytes")
    os.kill(servers.processes["s3"].pid, signal.SIGKILL)
    wait_for(lambda: stack.status(servers.root).problems, "the death to be noticed")
    repaired = stack.up(servers.root)
    assert repaired.environment() == servers.environment()
    assert repaired.processes["triton"] != servers.processes["triton"], "Triton goes with its store"
    assert data.read_bytes("kept") == b"bytes"


def test_a_server_that_ends_at_once_gives_its_log_and_leaves_nothing(
    root: Path, tmp_path: Path, triton_files: Path, monkeypatch: pytest.MonkeyPatch
):
    files = tmp_path / "triton"
    server = files / "pytriton" / "tritonserver"
    (server / "bin").mkdir(parents=True)
    for part in ("backends", "python_backend_stubs"):
        (server / part).symlink_to(triton_files / "pytriton" / "tritonserver" / part)
    program = server / "bin" / "tritonserver"
    program.write_text("#!/bin/sh\necho 'no such library'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("SPARSEINST_TRITON_DIR", str(files))
    with pytest.raises(StackError, match="Triton server ended while it started") as failed:
        stack.up(root)
    assert failed.value.details == ("no such library",)
    assert failed.value.where.endswith("triton.log")
    assert not processes_in(root)
    state = stack.read_state(root)
    assert state is not None
    assert state.processes == {}


def test_missing_triton_files_are_told_before_anything_starts(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SPARSEINST_TRITON_DIR", str(tmp_path))
    with pytest.raises(StackError, match="Triton server's files are missing") as missing:
        stack.up(root)
    assert "make setup" in missing.value.fix
    assert not processes_in(root)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_up_leaves_no_process(root: Path, number: signal.Signals, code: int):
    command = [sys.executable, "-m", "sparseinst", "stack", "up", "--root", str(root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as up:
        wait_for(lambda: processes_in(root), "the first server")
        up.send_signal(number)
        _, errors = up.communicate(timeout=60)
    assert up.returncode == code, errors
    assert "Traceback" not in errors
    assert not processes_in(root)


def test_a_process_id_that_belongs_to_somebody_else_by_now_is_left_alone(root: Path):
    state = stack.StackState(root=root, ports={"s3": 1, "grpc": 2})
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        started = psutil.Process(stranger.pid).create_time()
        state.with_process("s3", stack.state.ProcessId(stranger.pid, started - 100)).write()
        assert stack.down(root) == []
        assert stranger.poll() is None
        stranger.kill()


def test_a_damaged_state_file_is_named(root: Path):
    root.mkdir()
    (root / "stack.json").write_text("{")
    with pytest.raises(StackError, match="cannot be read"):
        stack.up(root)
    (root / "stack.json").unlink()
