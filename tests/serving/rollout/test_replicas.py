"""Two servers on one directory, over TLS: how they are found, verified, shown and made equal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparseinst.lineage.served import endpoint_node
from sparseinst.lineage.shelf import Shelf
from sparseinst.lineage.walk import Walk
from sparseinst.serving.connection import Connection
from sparseinst.serving.refusals import TlsFailed
from sparseinst.serving.replicas import Replicas
from sparseinst.serving.rollout import Conditions, Deployment, deploy
from sparseinst.serving.rollout.standing import standings
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import open_storage
from tests.serving.client.certificates import Authority
from tests.serving.rollout.fleet import NAME, Fleet
from tests.serving.rollout.load import Version, write_export

MODEL = "m"


@pytest.fixture(scope="module")
def servers(fleet_on_a_directory: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Their certificate is for the name by which both are found."""
    authority = Authority.new(tmp_path_factory.mktemp("tls"), "authority")
    certificate, key = authority.sign("server", hosts=[NAME], addresses=[])
    for number in (1, 2):
        options = ["--grpc-use-ssl=1", f"--grpc-server-cert={certificate}", f"--grpc-server-key={key}"]
        fleet_on_a_directory.start(number, options)
        fleet_on_a_directory.known.append(f"127.0.0.{number}")
    with fleet_on_a_directory.are_found(settle_s=0), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSEINST_TLS_CA", str(authority.roots))
        yield fleet_on_a_directory


@pytest.fixture(scope="module")
def deployed(servers: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The second version of the model; it was held against the first."""
    url, folder = f"grpcs://{servers.url}", tmp_path_factory.mktemp("exports")
    for number in (1, 2):
        export = write_export(folder / str(number), MODEL, Version.of(number))
        agreement = Conditions(min_agreement=None if number == 1 else 0.1)
        served = deploy(export, servers.to, url, front_door=False, conditions=agreement)
    return served


def by_list(servers: Fleet) -> str:
    return ",".join(f"grpcs://{servers.address(number)}" for number in (1, 2))


def test_replicas_are_verified_by_the_name_that_they_were_found_by(
    servers: Fleet, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
):
    assert [visit.address for visit in deployed.replicas] == [servers.address(1), servers.address(2)]
    assert deployed.findings.agreement is not None
    assert standings(MODEL, deployed.url, servers.to).problems == []
    with (
        pytest.raises(TlsFailed, match="for another name"),
        Connection(f"grpcs://{servers.address(1)}", timeout_s=5) as c,
    ):
        c.server_name()
    monkeypatch.setenv("SPARSEINST_TLS_SERVER_NAME", "another.test")
    told = standings(MODEL, deployed.url, servers.to).problems
    assert len(told) == 2 and "for another name" in told[0]


def test_what_was_visited_stays_known(
    servers: Fleet, deployed: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    addresses = (servers.address(1), servers.address(2))
    assert Target(open_storage(servers.to), MODEL).journal().replicas == addresses
    assert [visit["address"] for visit in deployed.to_dict()["replicas"]] == list(addresses)
    assert all(visit["seconds"] > 0 for visit in deployed.to_dict()["replicas"])
    monkeypatch.setenv("SPARSEINST_TLS_SERVER_NAME", NAME)
    endpoint = f"grpcs://{servers.address(2)}/{MODEL}"
    node = endpoint_node(endpoint, servers.to, Walk(Shelf(), with_files=False), tmp_path, with_files=False)
    assert node.facts == [f"proven at {', '.join(addresses)}"]


def sparseinst(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as somebody calls it who has the servers' key and knows the name in their certificate."""
    environment = {**os.environ, "SPARSEINST_TLS_SERVER_NAME": NAME}
    command = [sys.executable, "-m", "sparseinst", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def test_replicas_that_differ_are_told_and_repaired(servers: Fleet, deployed: Deployment, tmp_path: Path):
    repository, url = Path(servers.to), by_list(servers)
    target = Target(open_storage(servers.to), MODEL)
    target.write(target.to_commit(1))  # somebody puts the old one back by hand, on one server
    with Replicas(deployed.url).resolve()[0].connect(timeout_s=20) as triton:
        triton.load(MODEL)
    target.write(target.to_commit(2))

    differing = sparseinst("replicas", "--name", MODEL, "--url", url, "--json")
    assert differing.returncode == 8
    told = json.loads(differing.stdout)
    assert [replica["version"] for replica in told["replicas"]] == [1, 2]
    assert not told["equal"]
    assert "they serve 2 different versions" in differing.stderr and "--repair" in differing.stderr

    repaired = sparseinst("replicas", "--to", str(repository), "--url", url, "--repair", "--json")
    assert repaired.returncode == 0, repaired.stderr
    told = json.loads(repaired.stdout)
    assert [replica["version"] for replica in told["replicas"]] == [told["published"]] * 2 == [2, 2]
