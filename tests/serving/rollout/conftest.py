"""A Triton that serves from a directory, as one with a mounted volume does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sparseinst.serving import stack
from sparseinst.serving.stack import supervisor, triton
from sparseinst.serving.stack.ports import choose_port


@pytest.fixture(scope="module")
def directory_server(
    environment: stack.StackState, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The directory and the server's gRPC address."""
    folder = tmp_path_factory.mktemp("directory")
    (folder / "models").mkdir()
    (folder / "own").mkdir()
    ports = {part: choose_port(()) for part in ("http", "grpc", "metrics")}
    state = stack.StackState(
        root=folder / "own", triton_key=environment.triton_key, ports={**environment.ports, **ports}
    )
    process = triton.start(state, repository=str(folder / "models"))
    state = state.with_process("triton", process)
    try:
        triton.wait(state)
        yield str(folder / "models"), state.triton_url
    finally:
        supervisor.stop(process)
        triton.remove_leftovers(state)
