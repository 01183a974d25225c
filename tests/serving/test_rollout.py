"""Deploy and rollback on a real Triton that serves from a real S3: a version comes whole and proven, or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sparseinst.errors import DeployError, SparseInstError, StackError, StorageError
from sparseinst.serving import stack
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout import deploy, rollback
from sparseinst.serving.stack import supervisor, triton
from sparseinst.serving.stack.ports import choose_port
from sparseinst.storage import Storage, open_storage
from tests.serving import tiny

IMAGES = tiny.random_images(1, 48, 40, seed=9)


def content(models: Storage) -> dict[str, bytes]:
    return {key: models.read_bytes(key) for key in models.list()}


def score(url: str, name: str) -> float:
    """Tells the models of different gain apart."""
    with TritonClient(url, name, timeout_s=20) as client:
        return float(client.infer(IMAGES, ["scores"])["scores"][0, 0])


def expected_score(gain: float) -> float:
    import torch

    return float(tiny.Tiny(gain)(torch.from_numpy(IMAGES))[0][0, 0])


@pytest.fixture
def export(name: str, tmp_path: Path) -> Callable[..., Path]:
    """Makes exports under the test's own model name: export(gain)."""
    count = iter(range(100))

    def make(gain: float = 1.0, claimed_gain: float | None = None) -> Path:
        return tiny.write_export(tmp_path / f"export{next(count)}", name, gain=gain, claimed_gain=claimed_gain)

    return make


def test_two_versions_a_rollback_and_only_the_last_ones_kept(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    url, to = servers.triton_url, servers.model_repository
    first = deploy(export(0.1), to, url)
    assert (first.version, first.previous, first.url, first.endpoint) == (1, None, url, f"grpc://{url}/{name}")
    assert (first.proof.images, first.proof.score, first.proof.mask) == (3, 0.0, 0.0)
    assert score(url, name) == pytest.approx(expected_score(0.1), abs=1e-6)

    second = deploy(export(0.2), to, url)
    assert (second.version, second.previous) == (2, 1)
    assert score(url, name) == pytest.approx(expected_score(0.2), abs=1e-6)

    back = rollback(name, to, url)
    assert (back.version, back.previous) == (1, 2)
    assert score(url, name) == pytest.approx(expected_score(0.1), abs=1e-6)
    with pytest.raises(DeployError, match="no older version"):
        rollback(name, to, url)
    with pytest.raises(DeployError, match="no other version 9"):
        rollback(name, to, url, version=9)

    forward = rollback(name, to, url, version=2)
    assert (forward.version, forward.previous) == (2, 1)
    deploy(export(0.3), to, url)
    last = deploy(export(0.4), to, url)
    assert last.version == 4
    assert sorted({key.split("/")[1] for key in models.list(name) if key.count("/") == 2}) == ["2", "3", "4"]
    manifest = json.loads(models.read_bytes(f"{name}/4/manifest.json"))
    assert manifest["kind"] == "deployment"
    assert [key for key in models.list() if "_candidate" in key or key.endswith(".lock")] == []


def test_clients_get_an_answer_at_every_moment_of_a_deployment(
    servers: stack.StackState, name: str, export: Callable[..., Path]
):
    url, to = servers.triton_url, servers.model_repository
    deploy(export(0.1), to, url)
    scores: list[float] = []
    done = threading.Event()

    def ask() -> None:
        with TritonClient(url, name, timeout_s=20) as client:
            while not done.is_set():
                scores.append(float(client.infer(IMAGES, ["scores"])["scores"][0, 0]))
                time.sleep(0.005)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        deploy(export(0.2), to, url)
        done.set()
        asking.result()  # raises if any request failed
    switch = next(i for i, value in enumerate(scores) if value > expected_score(0.15))
    assert np.allclose(scores[:switch], expected_score(0.1))
    assert np.allclose(scores[switch:], expected_score(0.2)), "once switched, the old version answers no more"


def test_a_candidate_that_answers_otherwise_than_its_golden_images_is_refused(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    url, to = servers.triton_url, servers.model_repository
    deploy(export(0.1), to, url)
    before = content(models)
    with pytest.raises(DeployError) as refused:
        deploy(export(0.5, claimed_gain=0.6), to, url)
    assert "Version 2" in refused.value.problem
    assert "Version 1 still serves." in refused.value.problem
    assert len(refused.value.details) == 3, "every golden image that differs is listed"
    assert content(models) == before
    assert score(url, name) == pytest.approx(expected_score(0.1), abs=1e-6)
    with Connection(url, timeout_s=10) as connection:
        assert [entry.name for entry in connection.models() if entry.name.endswith("_candidate")] == []


def test_a_first_version_that_is_refused_leaves_nothing(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    broken = export()
    (broken / name / "1" / "model.pt").write_bytes(b"no model" * 1000)
    tiny.seal(broken)
    before = content(models)
    with pytest.raises(DeployError, match=r"no TorchScript model.*Nothing was served before, and nothing is now\."):
        deploy(broken, servers.model_repository, servers.triton_url)
    assert content(models) == before


@pytest.mark.parametrize("moment", ["candidate", "commit"])
def test_triton_killed_during_a_deployment(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path], moment: str
):
    url, to = servers.triton_url, servers.model_repository
    deploy(export(0.1), to, url)
    before = content(models)
    committed = before[f"{name}/config.pbtxt"]

    def is_now() -> bool:
        if moment == "candidate":
            return models.exists(f"{name}_candidate/config.pbtxt")
        return models.read_bytes(f"{name}/config.pbtxt") != committed

    def kill() -> None:
        deadline = time.monotonic() + 30
        while not is_now() and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(servers.processes["triton"].pid, signal.SIGKILL)

    new = export(0.2)
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        with pytest.raises(DeployError, match="Version 1 is still the published one"):
            deploy(new, to, url)
        killing.result()
    assert content(models) == before
    stack.up(servers.root)
    assert score(url, name) == pytest.approx(expected_score(0.1), abs=1e-6)
    assert deploy(new, to, url).version == 2


def test_an_interrupted_deployment_is_undone(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    url, to = servers.triton_url, servers.model_repository
    deploy(export(0.1), to, url)
    before = content(models)
    from sparseinst.serving.rollout import rollout

    calls = iter([False, True])

    def interrupt(*arguments: object) -> object:
        if next(calls):
            raise KeyboardInterrupt
        return rollout_prove(*arguments)

    rollout_prove = rollout.prove
    monkeypatch.setattr(rollout, "prove", interrupt)
    with pytest.raises(KeyboardInterrupt):
        deploy(export(0.2), to, url)
    assert content(models) == before
    assert score(url, name) == pytest.approx(expected_score(0.1), abs=1e-6)


def test_of_two_deployments_at_a_time_one_is_refused(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    def attempt(source: Path) -> str:
        try:
            return str(deploy(source, servers.model_repository, servers.triton_url).version)
        except DeployError as error:
            return error.problem

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(attempt, [export(0.1), export(0.2)]))
    assert outcomes == [
        "1",
        f"Another rollout of '{name}' is going on: process {os.getpid()} on {os.uname().nodename}.",
    ]
    assert f"{name}.lock" not in models.list()


def test_what_a_killed_deployment_left_does_not_stand_in_the_way(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    url, to = servers.triton_url, servers.model_repository
    deploy(export(0.1), to, url)
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    lock = {"token": "t", "machine": os.uname().nodename, "pid": dead.pid, "process_started": 1.0, "until": 9e9}
    models.write_bytes(f"{name}.lock", json.dumps(lock).encode())
    models.write_bytes(f"{name}/2/model.pt", b"half")
    models.write_bytes(f"{name}_candidate/1/model.pt", b"half")
    with pytest.raises(DeployError, match="no other version 2"):
        rollback(name, to, url, version=2)
    assert deploy(export(0.2), to, url).version == 3
    assert rollback(name, to, url).version == 1
    assert [key for key in models.list() if "_candidate" in key or key.endswith(".lock")] == []


def test_a_model_of_somebody_else_is_not_replaced(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    models.write_bytes(f"{name}/config.pbtxt", b'backend: "onnxruntime"')
    with pytest.raises(DeployError, match="this project did not write it"):
        deploy(export(), servers.model_repository, servers.triton_url)
    assert models.read_bytes(f"{name}/config.pbtxt") == b'backend: "onnxruntime"'


def test_no_triton_at_the_address(servers: stack.StackState, models: Storage, export: Callable[..., Path]):
    before = models.list()
    with pytest.raises(StackError, match="No Triton server answers there"):
        deploy(export(), servers.model_repository, "127.0.0.1:1")
    assert models.list() == before


def test_a_repository_that_triton_does_not_serve_from(
    servers: stack.StackState, export: Callable[..., Path], tmp_path: Path
):
    with pytest.raises(DeployError, match="was not put into service") as refused:
        deploy(export(), str(tmp_path / "elsewhere"), servers.triton_url)
    assert "check --to" in refused.value.fix
    assert not [path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()]


def test_a_bucket_that_does_not_exist(servers: stack.StackState, export: Callable[..., Path]):
    with pytest.raises(StorageError, match="bucket does not exist"):
        deploy(export(), "s3://nowhere", servers.triton_url)


def damage_model(export: Path, name: str) -> None:
    (export / name / "1" / "model.pt").write_bytes(b"")


def remove_golden(export: Path, name: str) -> None:
    (export / "golden.npz").unlink()


def damage_golden(export: Path, name: str) -> None:
    (export / "golden.npz").write_bytes(b"PK no archive")
    tiny.seal(export)


def damage_config(export: Path, name: str) -> None:
    (export / name / "config.pbtxt").write_text("name: {")
    tiny.seal(export)


def remove_labels(export: Path, name: str) -> None:
    (export / name / "labels.txt").unlink()
    tiny.seal(export)


def remove_manifest(export: Path, name: str) -> None:
    (export / "manifest.json").unlink()


def add_a_second_model(export: Path, name: str) -> None:
    tiny.copy_export(export / name, export / "second")
    tiny.seal(export)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (damage_model, "not as it was written"),
        (remove_golden, "not as it was written"),
        (damage_golden, "golden images cannot be read"),
        (damage_config, "configuration cannot be read"),
        (remove_labels, "lacks a file"),
        (remove_manifest, "no readable manifest"),
        (add_a_second_model, "no export: it holds 2"),
    ],
)
def test_what_is_no_whole_export_is_refused_before_anything_is_contacted(
    tmp_path: Path, damage: Callable[[Path, str], None], problem: str
):
    export = tiny.write_export(tmp_path / "export", "m")
    damage(export, "m")
    with pytest.raises(SparseInstError, match=problem) as refused:
        deploy(export, str(tmp_path / "models"), "127.0.0.1:1")
    assert refused.value.where
    assert refused.value.fix
    assert not (tmp_path / "models").exists()


def test_the_command_line_uses_the_local_stack(
    servers: stack.StackState, name: str, export: Callable[..., Path], stack_root: Path
):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sparseinst", *arguments]
        environment = {**clean, "SPARSEINST_STACK_DIR": str(stack_root)}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)

    deployed = run("deploy", "--repository", str(export(0.1)), "--json")
    assert deployed.returncode == 0, deployed.stderr
    assert json.loads(deployed.stdout)["endpoint"] == f"grpc://{servers.triton_url}/{name}"
    refused = run("deploy", "--repository", str(export(0.1, claimed_gain=0.9)))
    assert refused.returncode == 8
    assert refused.stdout == ""
    assert "error: Version 2" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert run("rollback", "--name", name).returncode == 8
    assert run("rollback", "--name", name, "--to", "s3://models").returncode == 2
    assert run("deploy", "--repository", "nowhere").returncode == 8


@pytest.fixture
def directory_server(stack_root: Path, servers: stack.StackState, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A Triton that serves from a directory, as one with a mounted volume does: the directory and its gRPC address."""
    repository = tmp_path / "models"
    repository.mkdir()
    (tmp_path / "own").mkdir()
    ports = {part: choose_port(()) for part in ("http", "grpc", "metrics")}
    state = stack.StackState(root=tmp_path / "own", ports={**servers.ports, **ports})
    process = triton.start(state, repository=str(repository))
    state = state.with_process("triton", process)
    try:
        triton.wait(state)
        yield str(repository), state.triton_url
    finally:
        supervisor.stop(process)
        triton.remove_leftovers(state)


def test_a_directory_serves_as_the_model_repository_too(
    directory_server: tuple[str, str], export: Callable[..., Path], name: str
):
    to, url = directory_server
    deploy(export(0.1), to, url)
    assert deploy(export(0.2), to, url).version == 2
    before = content(open_storage(to))
    with pytest.raises(DeployError):
        deploy(export(0.5, claimed_gain=0.6), to, url)
    assert content(open_storage(to)) == before
    assert rollback(name, to, url).version == 1
    assert score(url, name) == pytest.approx(expected_score(0.1), abs=1e-6)
