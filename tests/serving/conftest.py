"""A real S3 server and a real Triton server for the tests of this folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparseinst.errors import SparseInstError, StackError
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
        return triton.server_files()
    except StackError as error:
        pytest.skip(f"the Triton server is not installed: {error}")


@pytest.fixture(scope="session")
def stack_root(triton_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the stack that these tests share."""
    root = tmp_path_factory.mktemp("stack")
    yield root
    stack.down(root)


@pytest.fixture
def servers(stack_root: Path, monkeypatch: pytest.MonkeyPatch) -> stack.StackState:
    """The shared stack, repaired if a test broke it, with the environment that its clients need."""
    state = stack.up(stack_root)
    for name, value in state.environment().items():
        monkeypatch.setenv(name, value)
    return state


@pytest.fixture
def models(servers: stack.StackState) -> Storage:
    """The shared stack's model repository."""
    return open_storage(servers.model_repository)


@pytest.fixture
def name(servers: stack.StackState, models: Storage) -> Iterator[str]:
    """A model's name that no other test uses; the model is removed afterwards."""
    name = f"m{secrets.token_hex(4)}"
    yield name
    models.delete_prefix(name)
    try:
        with Connection(servers.triton_url, timeout_s=10) as connection:
            connection.unload(name)
    except SparseInstError:
        pass  # the test ended Triton
