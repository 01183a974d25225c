"""A front door before a tiny model, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sparseinst.export.contract import FRONT
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.storage import Storage
from tests.serving import tiny
from tests.serving.conftest import new_name, remove
from tests.serving.front_door.door import publish, put_front_door


@pytest.fixture(scope="module")
def connection(environment: stack.StackState) -> Iterator[Connection]:
    with Connection(environment.triton_url, timeout_s=60) as connection:
        yield connection


@pytest.fixture(scope="module")
def name(environment: stack.StackState, models: Storage) -> Iterator[str]:
    """A name for a model, its candidate and its front door; they are removed afterwards."""
    name = new_name()
    yield name
    for model in (name + FRONT, f"{name}_candidate", name):
        remove(environment, models, model)


@pytest.fixture(scope="module")
def front(connection: Connection, models: Storage, name: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a loaded front door before a loaded model."""
    publish(models, tmp_path_factory.mktemp("export"), name)
    connection.load(name)
    front = put_front_door(models, name, [tiny.METADATA], instances=2)
    connection.load(front)
    return front
