"""Which servers an address stands for."""

from __future__ import annotations

import socket

import pytest

from sparseinst.errors import ConfigError
from sparseinst.serving import replicas
from sparseinst.serving.address import is_near
from sparseinst.serving.refusals import NoServer
from sparseinst.serving.replicas import Replica, Replicas, Unresolved


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the name server says: the addresses of a name."""
    known: dict[str, list[str]] = {}

    def answer(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in known[host]]
        return [(family, 0, 0, "", (ip, port)) for family, ip in zip(families, known[host], strict=True)]

    monkeypatch.setattr(replicas.socket, "getaddrinfo", answer)
    return known


def test_a_name_of_several_addresses_stands_for_a_replica_each(names: dict[str, list[str]]):
    names["triton"] = ["10.0.0.2", "10.0.0.1", "10.0.0.2"]
    found = Replicas("triton:8001").resolve()
    assert found == [Replica("10.0.0.1:8001", "10.0.0.1:8001"), Replica("10.0.0.2:8001", "10.0.0.2:8001")]


def test_a_name_of_one_address_is_asked_under_its_name(names: dict[str, list[str]]):
    names["triton"] = ["10.0.0.1"]
    assert Replicas("grpcs://triton:8001").resolve() == [Replica("10.0.0.1:8001", "grpcs://triton:8001")]


def test_a_replica_behind_tls_is_verified_by_the_name(names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch):
    names["triton"] = ["10.0.0.1", "10.0.0.2"]
    (first, _) = Replicas("grpcs://triton:8001").resolve()
    assert first == Replica("10.0.0.1:8001", "grpcs://10.0.0.1:8001", "triton")
    with first.connect(1) as triton:
        assert triton.security is not None and triton.security.server_name == "triton"
    monkeypatch.setenv("SPARSEINST_TLS_SERVER_NAME", "another")
    with first.connect(1) as triton:
        assert triton.security is not None and triton.security.server_name == "another"


def test_a_server_with_addresses_of_both_kinds_is_one(names: dict[str, list[str]]):
    names["localhost"] = ["::1", "127.0.0.1"]
    assert [replica.address for replica in Replicas("localhost:8001").resolve()] == ["127.0.0.1:8001"]
    names["triton"] = ["fd00::2", "fd00::1"]
    assert [replica.url for replica in Replicas("triton:8001").resolve()] == ["[fd00::1]:8001", "[fd00::2]:8001"]


def test_a_list_names_its_servers_and_each_once(names: dict[str, list[str]]):
    names |= {"a": ["10.0.0.1"], "b": ["10.0.0.2", "10.0.0.1"]}
    several = Replicas("a:1, b:1")
    assert [replica.address for replica in several.resolve()] == ["10.0.0.1:1", "10.0.0.2:1"]
    assert several.first_url == "a:1"


@pytest.mark.parametrize(
    ("url", "is_fixed", "is_one"),
    [
        ("127.0.0.1:1", True, True),
        ("localhost:1", True, True),
        ("[::1]:1", True, True),
        ("127.0.0.1:1,127.0.0.1:2", True, False),
        ("triton:1", False, False),
        ("127.0.0.1:1,triton:1", False, False),
    ],
)
def test_others_may_come_under_a_name_only(url: str, is_fixed: bool, is_one: bool):
    assert (Replicas(url).is_fixed, Replicas(url).is_one) == (is_fixed, is_one)


def test_an_address_that_cannot_be_meant_is_refused(names: dict[str, list[str]]):
    for url in ("", "a:1,", "a", "a:1;b:1"):
        with pytest.raises(ConfigError, match="another form"):
            Replicas(url)
    with pytest.raises(ConfigError, match="some without"):
        Replicas("grpcs://a:1,b:1")
    with pytest.raises(Unresolved, match="'nowhere' cannot be resolved") as unknown:
        Replicas("nowhere:1").resolve()
    assert unknown.value.where and unknown.value.fix


def test_where_none_of_several_answers_all_are_named():
    with pytest.raises(NoServer, match="None of the 2 servers") as nobody:
        Replicas("127.0.0.1:1,127.0.0.2:1").first_that_answers()
    assert nobody.value.details == ("127.0.0.1:1", "127.0.0.2:1")


def test_the_metrics_are_those_of_the_replica_where_their_host_stands_for_several(names: dict[str, list[str]]):
    names |= {"triton": ["10.0.0.1", "10.0.0.2"], "one": ["10.0.0.1"], "others": ["10.0.1.1", "10.0.1.2"]}
    second = Replicas("triton:8001").resolve()[1]
    assert second.of_this_one("http://triton:8002/metrics") == "http://10.0.0.2:8002/metrics"
    for url in ("http://one:8002/metrics", "http://others:8002/metrics", "http://unknown:8002/metrics"):
        assert second.of_this_one(url) == url


def test_a_proxy_is_for_the_world_outside():
    assert all(map(is_near, ("127.0.0.2", "localhost", "[::1]", "10.1.2.3", "100.64.0.1", "[fd00::1]")))
    assert not any(map(is_near, ("8.8.8.8", "triton.example", "[2600::1]")))
