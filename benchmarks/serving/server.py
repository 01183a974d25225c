"""A Triton server of its own for a model repository in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparseinst.serving.stack import supervisor, triton
from sparseinst.serving.stack.ports import choose_port
from sparseinst.serving.stack.state import StackState


@contextmanager
def server(repository: Path, folder: Path) -> Iterator[StackState]:
    """Runs the local stack's Triton without its S3; ends it by its process id."""
    folder.mkdir(parents=True, exist_ok=True)
    ports: dict[str, int] = {}
    for part in ("s3", "http", "grpc", "metrics"):  # nobody listens at the first one
        ports[part] = choose_port(ports.values())
    state = StackState(root=folder, ports=ports)
    state = state.with_process("triton", triton.start(state, repository=str(repository)))
    try:
        triton.wait(state)
        yield state
    finally:
        supervisor.stop(state.processes["triton"])
        triton.remove_leftovers(state)
