"""Deploy and rollback on a real Triton that serves from a real S3: a version comes whole and proven, or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sparseinst.errors import DeployError, SparseInstError, StackError, StorageError
from sparseinst.imaging.write import write_image
from sparseinst.serving import rollout, stack
from sparseinst.serving.client import TritonClient
from sparseinst.serving.rollout import Conditions, front, only_model
from sparseinst.storage import Storage
from tests.serving import tiny
from tests.serving.conftest import new_name
from tests.serving.rollout.fleet import Fleet
from tests.serving.rollout.load import Version, write_export

deploy = partial(rollout.deploy, front_door=False)  # with it: test_under_load.py

IMAGES = tiny.random_images(1, 48, 40, seed=9)


def content(models: Storage) -> dict[str, bytes]:
    return {key: models.read_bytes(key) for key in models.list()}


def score(url: str, name: str) -> float:
    """Tells the models of different gain apart."""
    with TritonClient(url, name, timeout_s=20) as client:
        return float(client.infer(IMAGES, ["scores"])["scores"][0, 0])


def expected_score(number: int) -> float:
    return float(Version.of(number).model().answer(IMAGES)["scores"][0, 0])


@pytest.fixture
def export(name: str, tmp_path: Path) -> Callable[..., Path]:
    """Makes exports under the test's own model name: export(gain)."""
    count = iter(range(100))

    def make(gain: float = 1.0, claimed_gain: float | None = None) -> Path:
        return tiny.write_export(tmp_path / f"export{next(count)}", name, gain=gain, claimed_gain=claimed_gain)

    return make


@pytest.fixture(scope="module")
def deployed(fleet_on_s3: Fleet, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a model whose version 1 is in service: what the refused deployments must leave alone.

    It has no front door, because the server could not load one.
    """
    name, folder = new_name(), tmp_path_factory.mktemp("deployed")
    fleet_on_s3.start(1)
    export = write_export(folder / "export", name, Version.of(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "front_model_py", lambda: "import a_package_that_the_server_does_not_have")
        served = rollout.deploy(export, fleet_on_s3.to, fleet_on_s3.address(1))
    assert not served.front_door
    return name


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


def test_a_server_that_cannot_load_a_front_door_goes_without_one(fleet_on_s3: Fleet, published: Storage, deployed: str):
    folders = {key.split("/")[0] for key in published.list() if key.startswith(deployed)}
    assert folders == {deployed, f"{deployed}.journal"}
    assert score(fleet_on_s3.address(1), deployed) == pytest.approx(expected_score(1))


def test_triton_killed_during_a_deployment(fleet_on_s3: Fleet, published: Storage, deployed: str, tmp_path: Path):
    before = content(published)

    def kill() -> None:
        deadline = time.monotonic() + 60
        while published.read_bytes(f"{deployed}/config.pbtxt") == before[f"{deployed}/config.pbtxt"]:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(fleet_on_s3.pid(1), signal.SIGKILL)

    new = write_export(tmp_path / "next", deployed, Version.of(2))
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        with pytest.raises(DeployError, match="Version 1 is still the published one, but Triton does not serve it"):
            deploy(new, fleet_on_s3.to, fleet_on_s3.address(1))
        killing.result()
    assert content(published) == before
    fleet_on_s3.stop(1)
    fleet_on_s3.start(1, [f"--load-model={deployed}"])
    assert score(fleet_on_s3.address(1), deployed) == pytest.approx(expected_score(1))


def test_a_candidate_must_keep_its_budget_and_agree_with_what_serves(
    fleet_on_s3: Fleet, published: Storage, deployed: str, tmp_path: Path
):
    to, url = fleet_on_s3.to, fleet_on_s3.address(1)
    (tmp_path / "pictures").mkdir()
    write_image(tmp_path / "pictures" / "one.png", np.ascontiguousarray(IMAGES[0].transpose(1, 2, 0)))
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    swapped = [{"id": 1, "name": "dark"}, {"id": 5, "name": "bright"}]
    contrary = write_export(tmp_path / "next", deployed, Version(0.2, tiny.METADATA | {"categories": swapped}))
    before = content(published)
    with pytest.raises(DeployError, match=r"disagrees .*0\.0% over 3 pictures: 0 same, 6 missed, 6 added"):
        deploy(contrary, to, url, conditions=Conditions(min_agreement=0.9))
    assert content(published) == before
    alike = write_export(tmp_path / "alike", deployed, Version(0.3, tiny.METADATA))
    conditions = Conditions(max_latency_ms=60_000, shadow=tmp_path / "pictures", min_agreement=1.0)
    found = deploy(alike, to, url, conditions=conditions).to_dict()["findings"]
    assert found["agreement"] == {"pictures": 4, "same": 8, "missed": 0, "added": 0}
    assert found["pace"]["candidate_ms"] > 0
    assert found["pace"]["incumbent_ms"] > 0


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


def change_golden(export: Path, part: str, value: object) -> None:
    with np.load(export / "golden.npz") as arrays:
        changed = {key: np.full_like(array, value) if key.startswith(part) else array for key, array in arrays.items()}
    np.savez(export / "golden.npz", **changed)
    tiny.seal(export)


def find_nothing(export: Path, name: str) -> None:
    change_golden(export, "classes", -1)


def answer_no_numbers(export: Path, name: str) -> None:
    change_golden(export, "scores", np.nan)


def take_anothers_answers(export: Path, name: str) -> None:
    change_golden(export, "fingerprint", 7)


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
        (find_nothing, "found nothing in any of its golden images"),
        (answer_no_numbers, "own answers hold NaN"),
        (take_anothers_answers, "of another model than the configuration"),
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

    served = run("deploy", "--repository", str(export(0.1)), "--no-front-door", "--canary", "0.5", "--json")
    assert served.returncode == 0, served.stderr
    assert "nothing is in service yet, so there is no canary" in served.stderr
    assert json.loads(served.stdout)["endpoint"] == f"grpc://{servers.triton_url}/{name}"

    refused = run("rollback", "--name", name)
    assert (refused.returncode, refused.stdout) == (8, "")
    assert f"error: There is no older version of '{name}'" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert run("rollback", "--to", "s3://models").returncode == 2


def test_a_rollback_without_a_name_takes_the_one_model_that_there_is(tmp_path: Path):
    with pytest.raises(DeployError, match="no model into service"):
        only_model(str(tmp_path))
    for name in ("m", "m_front", "m_candidate", "m_candidate_front"):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "config.pbtxt").touch()
    assert only_model(str(tmp_path)) == "m"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.pbtxt").touch()
    with pytest.raises(DeployError, match="2 models") as several:
        only_model(str(tmp_path))
    assert several.value.details == ("m", "other")
