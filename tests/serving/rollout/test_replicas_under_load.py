"""Three servers that serve from one bucket, asked all the time: a rollout visits all of them, or none has changed."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sparseinst.errors import DeployError
from sparseinst.serving import stack
from sparseinst.serving.refusals import Restricted
from sparseinst.serving.rollout import Canary, Conditions, Deployment, deploy, rollback
from sparseinst.serving.rollout.service import Service
from sparseinst.serving.rollout.standing import standings
from sparseinst.storage import Storage
from tests.serving.conftest import new_name
from tests.serving.rollout.fleet import NAME, Fleet
from tests.serving.rollout.killed import kill_deployer
from tests.serving.rollout.load import Load, Seen, Version, write_export

THREE = (1, 2, 3)
_SETTLE_S = 1.0


@dataclass
class Group:
    """A model that three replicas serve under load; `new` makes exports that want to be its next version."""

    servers: Fleet
    name: str
    folder: Path
    serving: Version
    loads: dict[int, Load]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    @property
    def load_options(self) -> list[str]:
        """With which a pod starts."""
        return [f"--load-model={self.name}", f"--load-model={self.name}_front"]

    def new(self) -> tuple[Version, Path]:
        version = Version.of(number := next(self.numbers))
        return version, write_export(self.folder / f"export{number}", self.name, version)

    def deploy(self, export: Path, **options: Any) -> Deployment:
        return deploy(export, self.servers.to, self.servers.url, **options)

    def addresses(self, *numbers: int) -> list[str]:
        return [self.servers.address(number) for number in numbers]

    @contextmanager
    def watched(self, *numbers: int) -> Iterator[list[Seen]]:
        """What the clients of these replicas, by default of all, see; each has clients of its own."""
        with ExitStack() as watching:
            yield [watching.enter_context(self.loads[number].watched()) for number in numbers or THREE]

    def all_serve(self, version: Version, *numbers: int) -> bool:
        """All that are named, and these alone, serve the version as the repository publishes it."""
        found = standings(self.name, self.servers.url, self.servers.to)
        assert found.problems == []
        assert {replica.address for replica in found.replicas} == set(self.addresses(*(numbers or THREE)))
        assert {replica.fingerprint for replica in found.replicas} == {version.told[0]}
        return all(replica.front_door for replica in found.replicas)


@pytest.fixture(scope="module")
def group(fleet_on_s3: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    name, folder, first = new_name(), tmp_path_factory.mktemp("group"), Version.of(1)
    for number in THREE:
        fleet_on_s3.start(number)
        fleet_on_s3.known.append(f"127.0.0.{number}")
    with fleet_on_s3.are_found(settle_s=_SETTLE_S):
        deploy(write_export(folder / "export1", name, first), fleet_on_s3.to, fleet_on_s3.url)
        options = {"raw": 2, "pictures": 1, "picture_pause_s": 0.3}  # a picture costs each server ten milliseconds
        loads = {number: Load(fleet_on_s3.address(number), name, **options) for number in THREE}
        yield Group(fleet_on_s3, name, folder, first, loads)
        for load in loads.values():
            load.close()


@pytest.fixture
def others(group: Group) -> Iterator[Callable[..., str]]:
    """Starts more replicas, which go at the end; see `Fleet.start`."""
    started: list[int] = []

    def start(number: int, *, is_known: bool = True, **options: Any) -> str:
        started.append(number)
        address = group.servers.start(number, **{"options": group.load_options} | options)
        if is_known:
            group.servers.known.append(f"127.0.0.{number}")
        return address

    yield start
    for number in started:
        group.servers.stop(number)
        group.servers.known[:] = [host for host in group.servers.known if host != f"127.0.0.{number}"]


def content(models: Storage) -> dict[str, bytes]:
    return {key: models.read_bytes(key) for key in models.list()}


def once_switched(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Does something between the switch of the first replica and that of the others."""
    switch = Service.switch

    def and_then(*arguments: Any) -> Any:
        proof = switch(*arguments)
        monkeypatch.setattr(Service, "switch", switch)
        do()
        return proof

    monkeypatch.setattr(Service, "switch", and_then)


def test_a_version_comes_to_every_replica_behind_a_canary_on_the_first_and_goes_from_every_one(group: Group):
    old, (new, export) = group.serving, group.new()
    port = group.servers.state.ports["metrics"]
    canary = Canary(share=0.5, metrics_url=f"http://{NAME}:{port}/metrics", requests=3, seconds=60)
    with group.watched() as all_seen:
        served = group.deploy(export, conditions=Conditions(canary=canary))
    assert all(seen.is_only_of(old, new) for seen in all_seen)
    assert [visit.address for visit in served.replicas] == group.addresses(*THREE)
    assert {visit.before for visit in served.replicas} == {served.previous}
    assert served.findings.live is not None and served.findings.live.answered >= 3
    assert group.all_serve(new)
    with group.watched() as all_seen:
        pass
    assert all(seen.is_only_of(new) for seen in all_seen)
    with group.watched() as all_seen:
        back = rollback(group.name, group.servers.to, group.servers.url)
    assert all(seen.is_only_of(old, new) for seen in all_seen)
    assert len(back.replicas) == 3
    assert group.all_serve(old)


def test_replicas_that_start_during_a_rollout_come_to_serve_its_version(
    group: Group, others: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    old, (new, export) = group.serving, group.new()
    others(4, is_known=False)  # it has read the old configuration, and its name becomes known too late

    def come() -> None:
        group.servers.known.append("127.0.0.4")
        group.servers.known.append("127.0.0.5")  # this one is known and does not answer yet
        threading.Timer(1.0, lambda: others(5, is_known=False)).start()

    once_switched(monkeypatch, come)
    with group.watched() as all_seen:
        served = group.deploy(export)
    assert all(seen.is_only_of(old, new) for seen in all_seen)
    before = {visit.address: visit.before for visit in served.replicas}
    assert list(before) == group.addresses(1, 2, 3, 4, 5)
    assert before[group.servers.address(4)] == served.previous, "it had started with the old version"
    assert before[group.servers.address(5)] == served.version, "it started with the new one"
    assert group.all_serve(new, 1, 2, 3, 4, 5)
    group.serving = new


def test_a_replica_that_serves_from_elsewhere_refuses_and_all_go_back(
    group: Group, others: Callable[..., str], published: Storage, tmp_path: Path
):
    before = content(published)
    published.copy_out([key for key in before if key.startswith(group.name)], tmp_path)
    address = others(4, repository=str(tmp_path))  # all is well until something new is to be loaded
    version, export = group.new()
    with (
        group.watched() as all_seen,
        pytest.raises(DeployError, match=rf"replica {address} did not.*still serves\.") as no,
    ):
        group.deploy(export)
    assert address in no.value.where and "older configuration" in str(no.value)
    assert all(seen.is_only_of(group.serving, version) for seen in all_seen)
    assert content(published) == before
    assert group.all_serve(group.serving, 1, 2, 3, 4)


def test_a_replica_with_another_key_is_found_out_before_anything_changes(
    group: Group, others: Callable[..., str], published: Storage
):
    before = content(published)
    address = others(4, key="another")
    with group.watched() as all_seen, pytest.raises(Restricted) as refused:
        group.deploy(group.new()[1])
    assert refused.value.where == address
    assert all(seen.is_only_of(group.serving) for seen in all_seen)
    assert content(published) == before


def test_a_replica_that_dies_and_stays_known_is_waited_for_and_then_all_go_back(
    group: Group, others: Callable[..., str], published: Storage, monkeypatch: pytest.MonkeyPatch
):
    before = content(published)
    others(4)
    version, export = group.new()
    once_switched(monkeypatch, lambda: os.kill(group.servers.pid(4), signal.SIGKILL))
    address = group.servers.address(4)
    with group.watched() as all_seen, pytest.raises(DeployError, match=f"replica {address} does not answer.*") as away:
        group.deploy(export, replica_wait_s=2)
    assert f"these replicas do ({address}) not serve" in away.value.problem
    assert "deleting its pod" in away.value.fix
    assert all(seen.is_only_of(group.serving, version) for seen in all_seen)
    assert content(published) == before
    group.servers.known.remove("127.0.0.4")
    assert group.all_serve(group.serving)


def test_a_replica_that_goes_during_a_rollout_is_no_failure(
    group: Group, others: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    others(4)
    old, (new, export) = group.serving, group.new()

    def go() -> None:
        """As a pod that is deleted: it answers for a while, then its name goes, too."""
        os.kill(group.servers.pid(4), signal.SIGTERM)
        threading.Timer(1.5, lambda: group.servers.known.remove("127.0.0.4")).start()

    once_switched(monkeypatch, go)
    with group.watched() as all_seen:
        served = group.deploy(export)
    assert all(seen.is_only_of(old, new) for seen in all_seen)
    assert [visit.address for visit in served.replicas] == group.addresses(*THREE)
    assert group.all_serve(new)
    group.serving = new


def test_a_deployer_killed_between_two_replicas_is_repaired_by_a_rollback(
    group: Group, environment: stack.StackState, published: Storage
):
    old, (new, export) = group.serving, group.new()
    by_list = ",".join(group.addresses(*THREE))
    with group.watched() as all_seen:
        kill_deployer(export, group.servers.to, by_list, environment.environment(), ("load", group.name))
    assert all(seen.is_only_of(old, new) for seen in all_seen)
    mixed = standings(group.name, group.servers.url, group.servers.to)
    assert [replica.fingerprint for replica in mixed.replicas] == [new.told[0], old.told[0], old.told[0]]
    assert len(mixed.problems) == 2
    assert standings(group.name, group.servers.url).problems == ["they serve 2 different versions"]
    with group.watched() as all_seen:
        back = rollback(group.name, group.servers.to, group.servers.url)
    assert all(seen.is_only_of(old, new) for seen in all_seen)
    assert [visit.before for visit in back.replicas] == [back.previous] * 3, "first all were made equal"
    assert group.all_serve(old)
    assert not [key for key in published.list() if "_candidate" in key or key.endswith(".lock")]
