"""A real S3 server and a real Triton server for the tests of this folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sparseinst.errors import SparseInstError, StackError
from sparseinst.export.contract import FRONT
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack import triton
from sparseinst.storage import Storage, open_storage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def triton_files() -> Path:
    try:
        return triton.require_program()
    except StackError as error:
        pytest.skip(f"the Triton server is not installed: {error}")


@pytest.fixture(scope="session")
def stack_root(triton_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the stack that these tests share."""
    root = tmp_path_factory.mktemp("stack")
    yield root
    stack.down(root)


@pytest.fixture(scope="module")
def environment(stack_root: Path) -> Iterator[stack.StackState]:
    """The shared stack, up, with the environment that its clients need."""
    state = stack.up(stack_root)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in state.environment().items():
            patch.setenv(name, value)
        yield state


@pytest.fixture
def servers(environment: stack.StackState) -> stack.StackState:
    """The shared stack, repaired if the test before broke it."""
    return stack.up(environment.root)


@pytest.fixture(scope="module")
def models(environment: stack.StackState) -> Storage:
    """The shared stack's model repository."""
    return open_storage(environment.model_repository)


@pytest.fixture
def name(servers: stack.StackState, models: Storage) -> Iterator[str]:
    """A model's name that no other test uses; the model is removed afterwards."""
    name = new_name()
    yield name
    remove(servers, models, name)


@pytest.fixture(scope="module")
def kept_name(environment: stack.StackState, models: Storage) -> Iterator[str]:
    """A name for a model that several tests of a module look at; loading one takes a second or two."""
    name = new_name()
    yield name
    remove(environment, models, name)


def new_name() -> str:
    return f"m{secrets.token_hex(4)}"


def remove(servers: stack.StackState, models: Storage, name: str) -> None:
    for loaded in (name + FRONT, name):
        models.delete_prefix(loaded)
        with suppress(SparseInstError), Connection(servers.triton_url, timeout_s=10) as connection:
            connection.unload(loaded)  # fails where the test ended Triton
