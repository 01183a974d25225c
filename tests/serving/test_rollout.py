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

import pytest

from sparseinst.errors import DeployError, SparseInstError, StackError, StorageError
from sparseinst.serving import stack
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout import deploy, rollback, rollout
from sparseinst.serving.rollout.golden import GoldenImage, Proof
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


@pytest.fixture(scope="module")
def deployed(environment: stack.StackState, kept_name: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a model whose version 1 is in service: what the refused deployments must leave alone."""
    export = tiny.write_export(tmp_path_factory.mktemp("deployed") / "export", kept_name, gain=0.1)
    deploy(export, environment.model_repository, environment.triton_url)
    return kept_name


@pytest.fixture
def next_export(deployed: str, tmp_path: Path) -> Callable[..., Path]:
    """Makes exports that want to become version 2 of the deployed model."""
    return lambda gain, claimed=None: tiny.write_export(tmp_path / "next", deployed, gain=gain, claimed_gain=claimed)


def test_a_second_version_and_a_rollback_without_a_failed_request(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    url, to = servers.triton_url, servers.model_repository
    first = deploy(export(0.1), to, url)
    assert (first.version, first.previous, first.url, first.endpoint) == (1, None, url, f"grpc://{url}/{name}")
    assert (first.proof.images, first.proof.score, first.proof.mask) == (3, 0.0, 0.0)

    scores: list[float] = []
    done = threading.Event()

    def ask() -> None:
        with TritonClient(url, name, timeout_s=20) as client:
            while not done.is_set():
                scores.append(float(client.infer(IMAGES, ["scores"])["scores"][0, 0]))
                time.sleep(0.005)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            second = deploy(export(0.2), to, url)
            back = rollback(name, to, url)
        finally:
            done.set()
        asking.result()  # raises if any request failed
    assert (second.version, second.previous) == (2, 1)
    assert (back.version, back.previous) == (1, 2)
    old, new = expected_score(0.1), expected_score(0.2)
    assert {round(value, 5) for value in scores} == {round(old, 5), round(new, 5)}
    assert scores[0] == pytest.approx(old)
    assert score(url, name) == pytest.approx(old)

    with pytest.raises(DeployError, match="no older version"):
        rollback(name, to, url)
    with pytest.raises(DeployError, match="no other version 9"):
        rollback(name, to, url, version=9)
    assert json.loads(models.read_bytes(f"{name}/2/manifest.json"))["kind"] == "deployment"
    assert not [key for key in models.list() if "_candidate" in key or key.endswith(".lock")]


def test_a_candidate_that_answers_otherwise_than_its_golden_images_is_refused(
    servers: stack.StackState, models: Storage, deployed: str, next_export: Callable[..., Path]
):
    before = content(models)
    with pytest.raises(DeployError) as refused:
        deploy(next_export(0.5, claimed=0.6), servers.model_repository, servers.triton_url)
    assert f"Version 2 of '{deployed}' was not put into service" in refused.value.problem
    assert refused.value.problem.endswith("Version 1 still serves.")
    assert len(refused.value.details) == 3, "every golden image that differs is listed"
    assert content(models) == before
    assert score(servers.triton_url, deployed) == pytest.approx(expected_score(0.1))
    with Connection(servers.triton_url, timeout_s=10) as connection:
        assert not [
            entry for entry in connection.models() if entry.name.endswith("_candidate") and entry.state == "READY"
        ]


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
    servers: stack.StackState, models: Storage, deployed: str, next_export: Callable[..., Path], moment: str
):
    before = content(models)

    def has_come() -> bool:
        if moment == "candidate":
            return models.exists(f"{deployed}_candidate/config.pbtxt")
        return models.read_bytes(f"{deployed}/config.pbtxt") != before[f"{deployed}/config.pbtxt"]

    def kill() -> None:
        deadline = time.monotonic() + 60
        while not has_come() and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(servers.processes["triton"].pid, signal.SIGKILL)

    new = next_export(0.2)
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        with pytest.raises(DeployError, match="Version 1 is still the published one"):
            deploy(new, servers.model_repository, servers.triton_url)
        killing.result()
    assert content(models) == before
    stack.up(servers.root)
    assert score(servers.triton_url, deployed) == pytest.approx(expected_score(0.1))


def test_a_deployment_interrupted_after_the_switch_is_undone(
    servers: stack.StackState,
    models: Storage,
    deployed: str,
    next_export: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
):
    before = content(models)
    real_prove = rollout.prove

    def prove(connection: Connection, model: str, version: str, golden: list[GoldenImage]) -> Proof:
        if model == deployed:
            raise KeyboardInterrupt
        return real_prove(connection, model, version, golden)

    monkeypatch.setattr(rollout, "prove", prove)
    with pytest.raises(KeyboardInterrupt):
        deploy(next_export(0.2), servers.model_repository, servers.triton_url)
    assert content(models) == before
    assert score(servers.triton_url, deployed) == pytest.approx(expected_score(0.1))


def test_of_two_deployments_at_a_time_one_is_refused(
    servers: stack.StackState, models: Storage, name: str, export: Callable[..., Path]
):
    def attempt(source: Path) -> str:
        try:
            return f"version {deploy(source, servers.model_repository, servers.triton_url).version}"
        except DeployError as error:
            return error.problem

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(attempt, [export(0.1), export(0.2)]))
    assert outcomes[0].startswith(f"Another rollout of '{name}' is going on: process {os.getpid()} on ")
    assert outcomes[1] == "version 1"
    assert f"{name}.lock" not in models.list()


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
    with pytest.raises(DeployError, match=r"does not serve from .*elsewhere"):
        deploy(export(), str(tmp_path / "elsewhere"), servers.triton_url)
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

    served = run("deploy", "--repository", str(export(0.1)), "--json")
    assert served.returncode == 0, served.stderr
    assert json.loads(served.stdout)["endpoint"] == f"grpc://{servers.triton_url}/{name}"

    refused = run("rollback", "--name", name)
    assert (refused.returncode, refused.stdout) == (8, "")
    assert f"error: There is no older version of '{name}'" in refused.stderr
    assert "Traceback" not in refused.stderr
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


def test_a_directory_serves_as_the_model_repository_and_what_a_killed_deployment_left_there_does_no_harm(
    directory_server: tuple[str, str], export: Callable[..., Path], name: str
):
    to, url = directory_server
    repository = open_storage(to)
    deploy(export(0.1), to, url)

    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    lock = {"token": "t", "machine": os.uname().nodename, "pid": dead.pid, "process_started": 1.0, "until": 9e9}
    repository.write_bytes(f"{name}.lock", json.dumps(lock).encode())
    repository.write_bytes(f"{name}/2/model.pt", b"half a mod")
    repository.write_bytes(f"{name}_candidate/1/model.pt", b"half a mod")
    with pytest.raises(DeployError, match="no other version 2"):
        rollback(name, to, url, version=2)
    assert deploy(export(0.2), to, url).version == 3
    assert score(url, name) == pytest.approx(expected_score(0.2))
    assert rollback(name, to, url).version == 1
    assert score(url, name) == pytest.approx(expected_score(0.1))
    assert not [key for key in repository.list() if "_candidate" in key or key.endswith(".lock")]
