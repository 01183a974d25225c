"""One Triton server for all tests of this folder, on a local folder of models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from tests.serving import tiny
from tests.serving.client.servers import OwnTriton, own_triton, with_queue

NEXT = {
    **tiny.METADATA,
    "categories": [{"id": 2, "name": "light"}, {"id": 3, "name": "shade"}],
    "mask_threshold": 0.3,
    "short_side": 32,
}
_HOLD = "preferred_batch_size: [ 8 ], max_queue_delay_microseconds: 400000, default_queue_policy"


@pytest.fixture(scope="session")
def server(triton_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnTriton]:
    with own_triton(tmp_path_factory.mktemp("triton"), tmp_path_factory.mktemp("models")) as server:
        yield server


@pytest.fixture(scope="session")
def published(server: OwnTriton) -> str:
    """The name of a served model."""
    return server.publish("sparseinst")


@pytest.fixture(scope="session")
def other(server: OwnTriton) -> str:
    """The name of a model with other categories, another threshold and another size."""
    return server.publish("other", metadata=NEXT)


@pytest.fixture(scope="session")
def full(server: OwnTriton) -> str:
    """The name of a model that holds requests back for a batch of 8, and lets one of them wait."""
    return server.publish("full", change=lambda config: with_queue(config, f"{_HOLD} {{ max_queue_size: 1 }}"))


@pytest.fixture(scope="session")
def late(server: OwnTriton) -> str:
    """The name of a model that holds requests back, and refuses what waited for a millisecond."""
    policy = "{ timeout_action: REJECT, default_timeout_microseconds: 1000 }"
    return server.publish("late", change=lambda config: with_queue(config, f"{_HOLD} {policy}"))


@pytest.fixture
def served(server: OwnTriton, published: str) -> Iterator[TritonClient]:
    with TritonClient(server.url, published) as client:
        yield client


@pytest.fixture
def connection(server: OwnTriton) -> Iterator[Connection]:
    """A connection that may do everything."""
    with Connection(server.url, timeout_s=60, key=server.key) as connection:
        yield connection
