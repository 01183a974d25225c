"""In which order a replica takes up a model and its front door: never a model that its front door does not know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import DeployError, StackError
from sparseinst.export.front_door import front_config
from sparseinst.export.repository import triton_config
from sparseinst.serving.rollout.configuration import parse_config
from sparseinst.serving.rollout.member import Member, Pair
from sparseinst.storage import Storage, open_storage
from tests.serving.rollout.load import Version

OLD, NEW = Version.of(1).metadata, Version.of(2).metadata


class Server:
    """Serves what it is told to load from the repository; `refuses` are names that it does not load."""

    url = "10.0.0.1:8001"

    def __init__(self, storage: Storage, refuses: Sequence[str] = ()) -> None:
        self.storage = storage
        self.refuses = refuses
        self.serves: dict[str, ModelConfig] = {}
        self.done: list[str] = []

    def is_ready(self, name: str) -> bool:
        return name in self.serves

    def model_config(self, name: str) -> ModelConfig:
        return self.serves[name]

    def models(self) -> list[Any]:
        return [type("Entry", (), {"name": name}) for name in ("m", "m_front")]

    def load(self, name: str) -> None:
        if name in self.refuses:
            raise StackError("Triton failed.")
        self.serves[name] = parse_config(self.storage.read_bytes(f"{name}/config.pbtxt"), name)
        self.done.append(f"load {name}")

    def unload(self, name: str) -> None:
        del self.serves[name]
        self.done.append(f"unload {name}")


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "models"))


def publish(storage: Storage, version: int, metadata: Any, known: Sequence[Any]) -> None:
    storage.write_bytes("m/config.pbtxt", triton_config("m", metadata, version=version).encode())
    storage.write_bytes("m_front/config.pbtxt", front_config("m", known).encode())


def serving(storage: Storage, version: int, metadata: Any, known: Sequence[Any], **options: Any) -> Server:
    """A server that serves what was published before."""
    publish(storage, version, metadata, known)
    server = Server(storage)
    for name in ("m", "m_front"):
        server.load(name)
    server.done.clear()
    server.refuses = options.get("refuses", ())
    return server


def member(server: Server) -> Member:
    return Member(server, server.storage, "m", Pair.published(server.storage, "m"))  # type: ignore[arg-type]


def test_a_front_door_that_knows_both_comes_before_the_model(storage: Storage):
    server = serving(storage, 1, OLD, [OLD])
    publish(storage, 2, NEW, [OLD, NEW])
    assert member(server).bring()
    assert server.done == ["load m_front", "load m"]
    assert member(server).was.version == 2
    assert not member(server).bring(), "it serves all that is published"


def test_on_the_way_back_the_model_comes_before_a_front_door_that_does_not_know_the_other(storage: Storage):
    server = serving(storage, 2, NEW, [OLD, NEW])
    publish(storage, 1, OLD, [OLD])
    assert member(server).bring()
    assert server.done == ["load m", "load m_front"]


def test_a_model_stays_where_the_front_door_that_would_know_the_next_one_does_not_load(storage: Storage):
    server = serving(storage, 1, OLD, [OLD], refuses=["m_front"])
    publish(storage, 2, NEW, [OLD, NEW])
    with pytest.raises(DeployError, match="Triton does not load it"):
        member(server).bring()
    assert server.done == []


def test_a_model_comes_back_even_where_its_front_door_does_not(storage: Storage):
    publish(storage, 1, OLD, [OLD])
    server = Server(storage, refuses=["m_front"])
    with pytest.raises(DeployError, match="Triton does not load it"):
        member(server).bring()
    assert server.done == ["load m"]


def test_what_is_not_published_goes_only_where_it_may(storage: Storage):
    server = serving(storage, 1, OLD, [OLD])
    storage.delete_prefix("m")
    storage.delete_prefix("m_front")
    assert not member(server).bring(may_unload=False)
    assert server.done == []
    assert member(server).bring()
    assert server.done == ["unload m_front", "unload m"]


def test_a_load_that_may_still_be_under_way_is_done_again(storage: Storage):
    server = serving(storage, 1, OLD, [OLD])
    assert member(server).bring_model(anew=True)
    assert server.done == ["load m"]


def test_a_replica_says_what_is_not_as_it_is_published(storage: Storage):
    server = serving(storage, 1, OLD, [OLD])
    publish(storage, 2, NEW, [OLD, NEW])
    served, published = Pair.served(server, "m"), Pair.published(storage, "m")  # type: ignore[arg-type]
    assert served.difference(published) == "the model and the front door are not as published"
    del server.serves["m_front"]
    server.load("m")
    served = Pair.served(server, "m")  # type: ignore[arg-type]
    assert served.difference(published) == "the front door is not as published"
    server.load("m_front")
    assert Pair.served(server, "m").difference(published) == ""  # type: ignore[arg-type]
