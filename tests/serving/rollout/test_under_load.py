"""Eight clients ask all the time while versions come, fail and go: none is ever refused, or told anything wrong."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sparseinst.errors import DeployError, StorageError
from sparseinst.files import sha256_of_file
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout import Canary, Conditions, Deployment, deploy, front, rollback, service
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import Storage, open_storage
from sparseinst.storage.s3 import S3Storage
from tests.serving.conftest import new_name
from tests.serving.rollout.bad import BAD, garbage, moody
from tests.serving.rollout.fleet import Fleet
from tests.serving.rollout.killed import kill_deployer
from tests.serving.rollout.load import IMAGES, Load, Version, ask_front_door, write_export
from tests.tcp_gate import TcpGate


@dataclass
class Live:
    """A model under load, and the version that serves."""

    name: str
    to: str
    url: str
    metrics: str
    load: Load
    serving: Version
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    def new(self) -> tuple[Version, Path]:
        """A version that was never there, and a folder for its export."""
        number = next(self.numbers)
        return Version.of(number), self.folder / f"export{number}"

    def deploy(self, export: Path, **options: Any) -> Deployment:
        return deploy(export, self.to, self.url, **options)


@pytest.fixture(scope="module")
def live(fleet_on_s3: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    name, folder, first, url = new_name(), tmp_path_factory.mktemp("live"), Version.of(1), fleet_on_s3.start(1)
    deploy(write_export(folder / "export1", name, first), fleet_on_s3.to, url)
    load = Load(url, name)
    try:
        yield Live(name, fleet_on_s3.to, url, fleet_on_s3.metrics(1), load, first, folder)
    finally:
        load.close()


@pytest.fixture(scope="module")
def models(published: Storage) -> Storage:
    return published


def content(models: Storage) -> dict[str, bytes]:
    return {key: models.read_bytes(key) for key in models.list()}


def tried(url: str) -> list[str]:
    """The models that a rollout tries and that are loaded."""
    with Connection(url, timeout_s=10) as triton:
        return [model.name for model in triton.models() if "_candidate" in model.name and model.state == "READY"]


def is_whole(models: Storage, name: str, folder: Path) -> bool:
    """Whether the version that the repository puts into service is there with every file as it was written."""
    target = Target(models, name)
    version = target.current()
    assert version is not None
    models.copy_out(models.list(f"{name}/{version}"), folder)
    files = json.loads(target.manifest(version))["files"]
    return all(sha256_of_file(folder / name / str(version) / file) == digest for file, digest in files.items())


def test_a_new_version_comes_behind_a_canary_and_is_taken_back(live: Live):
    old = live.serving
    new, folder = live.new()
    write_export(folder, live.name, new)
    canary = Canary(share=0.5, metrics_url=live.metrics, requests=5, seconds=60)
    with live.load.watched() as seen:
        served = live.deploy(folder, conditions=Conditions(canary=canary))
    assert served.front_door
    assert served.findings.live is not None
    assert served.findings.live.answered >= 5
    assert seen.is_only_of(old, new)
    with live.load.watched() as seen:
        pass
    assert seen.is_only_of(new)
    with live.load.watched() as seen:
        back = rollback(live.name, live.to, live.url)
    assert (back.version, back.previous) == (served.previous, served.version)
    assert seen.is_only_of(old, new)
    with live.load.watched() as seen:
        pass
    assert seen.is_only_of(old)


@pytest.mark.parametrize("make_bad", BAD, ids=lambda make: make.__name__)
def test_a_bad_version_never_answers(live: Live, models: Storage, make_bad: Callable[[Path, str, Version], str]):
    before = content(models)
    version, folder = live.new()
    problem = make_bad(folder, live.name, version)
    with live.load.watched() as seen, pytest.raises(DeployError, match=problem) as refused:
        live.deploy(folder)
    assert "still serves." in refused.value.problem
    assert seen.is_only_of(live.serving)
    assert content(models) == before
    assert tried(live.url) == []


@pytest.mark.parametrize("fails", [True, False])
def test_a_version_that_only_live_requests_find_out_goes_no_further_than_the_canary(
    live: Live, models: Storage, fails: bool
):
    before = content(models)
    version, folder = live.new()
    same_classes = {"categories": live.serving.metadata["categories"]}
    version = Version(version.gain, dict(version.metadata) | same_classes)
    moody(folder, live.name, version, "fails" if fails else "swaps")
    canary = Canary(share=1.0, metrics_url=live.metrics, requests=3, seconds=60, shadow=not fails)
    problem = "live requests; their clients got the answer of the version in service" if fails else "disagrees"
    with live.load.watched() as seen, pytest.raises(DeployError, match=problem):
        live.deploy(folder, conditions=Conditions(canary=canary, min_agreement=0.3))
    assert seen.is_only_of(live.serving)
    assert content(models) == before
    assert tried(live.url) == []


def test_a_front_door_that_serves_is_not_given_up_for_a_new_version(
    live: Live, models: Storage, monkeypatch: pytest.MonkeyPatch
):
    before = content(models)
    version, folder = live.new()
    write_export(folder, live.name, version)
    monkeypatch.setattr(front, "front_model_py", lambda: "import a_package_that_the_server_does_not_have")
    with live.load.watched() as seen, pytest.raises(DeployError, match=r"could not be loaded again.*still serves"):
        live.deploy(folder)
    assert seen.is_only_of(live.serving)
    assert content(models) == before


def test_a_version_that_fails_only_after_the_switch_is_taken_back(
    live: Live, models: Storage, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    before = content(models)
    version, folder = live.new()
    write_export(folder, live.name, version)
    monkeypatch.setattr(service, "prove", fail)
    with live.load.watched() as seen, pytest.raises(KeyboardInterrupt):
        live.deploy(folder)
    assert seen.is_only_of(live.serving, version)
    with live.load.watched() as seen:
        pass
    assert seen.is_only_of(live.serving)
    assert content(models) == before


def test_the_store_is_cut_off_during_the_upload(
    live: Live, environment: stack.StackState, models: Storage, monkeypatch: pytest.MonkeyPatch
):
    before = content(models)
    version, folder = live.new()
    write_export(folder, live.name, version)
    upload = S3Storage.upload
    with TcpGate(environment.s3_url) as gate, monkeypatch.context() as patch:

        def cut(storage: S3Storage, path: Path, key: str) -> None:
            if key.endswith("golden.npz"):
                gate.shut()
            upload(storage, path, key)

        patch.setenv("AWS_ENDPOINT_URL", gate.url)
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        patch.setattr(S3Storage, "upload", cut)
        with live.load.watched() as seen:
            with pytest.raises(DeployError, match="still serves"):
                live.deploy(folder)
            with pytest.raises(StorageError):
                live.deploy(folder)
    assert seen.is_only_of(live.serving)
    assert is_whole(models, live.name, live.folder / "cut")
    left = {key.split("/")[0] for key in content(models).keys() - before.keys()}
    assert left == {live.name, f"{live.name}.lock"}
    broken = live.new()[1]
    garbage(broken, live.name, version)
    with live.load.watched() as seen, pytest.raises(DeployError, match="no model of these tests"):
        live.deploy(broken)
    assert seen.is_only_of(live.serving)
    assert content(models) == before, "the next rollout tidied, though it failed itself"
    assert tried(live.url) == []


def test_a_deployer_killed_at_any_moment_leaves_a_whole_version_serving_and_the_next_one_tidies(
    live: Live, environment: stack.StackState, models: Storage, fleet_on_a_directory: Fleet
):
    name, old = live.name, live.serving
    version, folder = live.new()
    write_export(folder, name, version)
    number, number_before = max(Target(models, name).versions()) + 1, Target(models, name).current()
    moments = [
        ("load", f"{name}_candidate_front"),
        ("load", f"{name}_front"),  # the version is uploaded by then
        ("write_bytes", f"{name}/config.pbtxt"),
    ]
    for place, moment in enumerate(moments):
        with live.load.watched() as seen:
            kill_deployer(folder, live.to, live.url, environment.environment(), moment)
        assert seen.is_only_of(old), f"after {moment}"
        assert is_whole(models, name, live.folder / f"killed{place}")
        is_committed = moment == ("write_bytes", f"{name}/config.pbtxt")
        assert Target(models, name).current() == (number if is_committed else number_before), f"after {moment}"
    assert serve_from_the_repository_alone(models, name, fleet_on_a_directory) == version.told[:2]
    next_version, next_folder = live.new()
    write_export(next_folder, name, next_version)
    with live.load.watched() as seen:
        served = live.deploy(next_folder)
    live.serving = next_version
    assert served.previous == number, "the last one was cut off behind its commit, and is whole"
    assert seen.is_only_of(old, version, next_version)
    assert tried(live.url) == []
    assert not [key for key in models.list() if "_candidate" in key or key.endswith(".lock")]
    assert Target(models, name).journal().trying is None


def serve_from_the_repository_alone(models: Storage, name: str, servers: Fleet) -> tuple[str, float]:
    """What a server tells that knows nothing but the files as they are."""
    models.copy_out(models.list(name), Path(servers.to))
    with Connection(servers.start(2), timeout_s=60) as triton:
        triton.load(name)
        reply = triton.infer(name, "", {"image": IMAGES}, ["scores", "fingerprint"])
    return reply["fingerprint"][0].tobytes().hex(), round(float(reply["scores"].max()), 4)


def test_a_server_without_a_front_door_serves_from_a_directory(live: Live, fleet_on_a_directory: Fleet):
    to, url, name = fleet_on_a_directory.to, fleet_on_a_directory.start(1), new_name()
    (old, folder), (new, next_folder) = live.new(), live.new()
    write_export(folder, name, old)
    write_export(next_folder, name, new)
    deploy(folder, to, url, front_door=False)
    load = Load(url, name, pictures=0)
    try:
        with load.watched() as seen:
            deploy(next_folder, to, url)
        assert seen.is_only_of(old, new)
        with load.watched() as seen:
            back = rollback(name, to, url, front_door=False)
        assert not back.front_door
        assert seen.is_only_of(old, new)
        with load.watched() as seen:
            pass
        assert seen.is_only_of(old)
    finally:
        load.close()
    assert {key.split("/")[0] for key in open_storage(to).list() if key.startswith(name)} == {name, f"{name}.journal"}


def test_the_model_serves_on_without_the_store_and_comes_back_from_it(
    live: Live, environment: stack.StackState, fleet_on_s3: Fleet, monkeypatch: pytest.MonkeyPatch
):
    version, folder = live.new()
    write_export(folder, live.name, version)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with live.load.watched() as seen:
        os.kill(environment.processes["s3"].pid, signal.SIGKILL)
        with pytest.raises(StorageError):
            live.deploy(folder)
    assert seen.is_only_of(live.serving)
    live.load.close()
    stack.up(environment.root)
    fleet_on_s3.stop(1)
    fleet_on_s3.start(1, [f"--load-model={live.name}", f"--load-model={live.name}_front"])  # as a pod starts
    with Connection(live.url, timeout_s=60) as triton:
        assert ask_front_door(triton, live.name) == live.serving.told
