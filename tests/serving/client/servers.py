"""Servers of a test's own, beside the shared stack: with other options, on a local folder of models."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import SparseInstError
from sparseinst.serving.connection import Connection
from sparseinst.serving.security import Security
from sparseinst.serving.stack import supervisor, triton
from sparseinst.serving.stack.ports import choose_port
from sparseinst.serving.stack.state import StackState
from tests.serving import tiny

_START_LIMIT_S = 60


@dataclass(frozen=True)
class OwnTriton:
    state: StackState
    pid: int
    repository: Path
    security: Security | None

    @property
    def url(self) -> str:
        return self.state.triton_url

    @property
    def key(self) -> str:
        return self.state.triton_key

    @property
    def http(self) -> str:
        """host:port of Triton's HTTP."""
        return f"127.0.0.1:{self.state.ports['http']}"

    def publish(
        self,
        name: str,
        *,
        metadata: Mapping[str, Any] = tiny.METADATA,
        change: Callable[[Path], None] = lambda config: None,
    ) -> str:
        """Puts a tiny model into service under a name, in place of the one that had it; `change` edits its config."""
        export = tiny.write_export(self.state.root / "exports" / name, name, metadata=metadata)
        change(export / name / "config.pbtxt")
        shutil.copytree(export / name, self.repository / name, dirs_exist_ok=True)
        self.load(name)
        return name

    def load(self, name: str) -> None:
        with Connection(self.url, timeout_s=60, key=self.key, security=self.security) as connection:
            connection.load(name)


@contextmanager
def own_triton(
    folder: Path, repository: Path, options: Sequence[str] = (), security: Security | None = None
) -> Iterator[OwnTriton]:
    """A Triton server that is up while the block runs."""
    ports: dict[str, int] = {}
    for name in ("http", "grpc", "metrics", "s3"):
        ports[name] = choose_port(ports.values())
    state = StackState(root=folder, ports=ports)
    process = triton.start(state, str(repository), options)
    try:
        supervisor.wait_until_ready(
            "Triton", process, state.log("triton"), lambda: _answers(state, security), _START_LIMIT_S
        )
        yield OwnTriton(state, process.pid, repository, security)
    finally:
        supervisor.stop(process)
        triton.remove_leftovers(state)


def with_queue(config: Path, batching: str) -> None:
    """Gives a model another queue, and no warm-up, for which a queue that waits would take its time."""
    parsed = text_format.Parse(config.read_text(), ModelConfig())
    parsed.ClearField("model_warmup")
    parsed.ClearField("dynamic_batching")
    text_format.Parse(f"dynamic_batching {{ {batching} }}", parsed)
    config.write_text(text_format.MessageToString(parsed))


def _answers(state: StackState, security: Security | None) -> bool:
    try:
        with Connection(state.triton_url, timeout_s=5, key=state.triton_key, security=security) as connection:
            return connection.server_name() == state.id
    except SparseInstError:
        return False
