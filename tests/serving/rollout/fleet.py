"""Several Triton servers that serve from one model repository, as the pods of a Deployment do."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sparseinst.serving import replicas, stack
from sparseinst.serving.rollout import sweep
from sparseinst.serving.stack import supervisor, triton
from sparseinst.serving.stack.ports import choose_port
from tests.serving.rollout import light

NAME = "triton.test"  # what the replicas are found by


@dataclass
class Fleet:
    """Servers at 127.0.0.1, 127.0.0.2…, all with the same ports and the same key.

    Attributes:
        folder: Of what the servers leave.
        state: The ports, the credentials and the key.
        to: The model repository, as a deployer writes it.
        repository: The same, as Triton writes it.
        known: What the name server says: hosts of replicas.
    """

    folder: Path
    state: stack.StackState
    to: str
    repository: str
    known: list[str] = field(default_factory=list)
    _running: dict[int, tuple[stack.StackState, supervisor.ProcessId]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """By which all of them are found."""
        return f"{NAME}:{self.state.ports['grpc']}"

    def address(self, number: int) -> str:
        return f"127.0.0.{number}:{self.state.ports['grpc']}"

    def metrics(self, number: int) -> str:
        return f"http://127.0.0.{number}:{self.state.ports['metrics']}/metrics"

    def start(self, number: int, options: Sequence[str] = (), repository: str = "", key: str = "") -> str:
        """Starts one, with options of Triton's; gives back its address. It is in no name server's answer yet."""
        folder = self.folder / f"replica{number}"
        folder.mkdir(parents=True, exist_ok=True)
        state = dataclasses.replace(
            self.state, root=folder, id=f"{self.state.id}-{number}", triton_key=key or self.state.triton_key
        )
        addresses = [f"--{part}-address=127.0.0.{number}" for part in ("http", "grpc", "metrics")]
        process = triton.start(state, repository or self.repository, [*addresses, *options])
        shutil.copy(light.__file__, folder / "backends" / "pytorch" / "model.py")
        self._running[number] = state, process
        supervisor.wait_until_ready("Triton", process, state.log("triton"), lambda: self._listens(number), 60)
        return self.address(number)

    def stop(self, number: int) -> None:
        """At once, as a machine that is lost."""
        state, process = self._running.pop(number)
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        while supervisor.is_alive(process):
            time.sleep(0.01)
        supervisor.stop(process)  # what it has started
        triton.remove_leftovers(state)

    def pid(self, number: int) -> int:
        return self._running[number][1].pid

    def close(self) -> None:
        for number in list(self._running):
            self.stop(number)

    @contextmanager
    def are_found(self, settle_s: float) -> Iterator[None]:
        """While the block runs, the name stands for the hosts that are known."""
        look_up = replicas._look_up
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                replicas, "_look_up", lambda host, port: [*self.known] if host == NAME else look_up(host, port)
            )
            patch.setattr(sweep, "SETTLE_S", settle_s)
            yield

    def _listens(self, number: int) -> bool:
        try:
            socket.create_connection((f"127.0.0.{number}", self.state.ports["grpc"]), timeout=5).close()
        except OSError:
            return False
        return True


@contextmanager
def fleet(folder: Path, state: stack.StackState, to: str, repository: str) -> Iterator[Fleet]:
    """Nobody runs yet; all that were started are stopped at the end."""
    ports = {**state.ports, **{part: choose_port(()) for part in ("http", "grpc", "metrics")}}
    servers = Fleet(folder, dataclasses.replace(state, ports=ports, processes={}), to, repository)
    try:
        yield servers
    finally:
        servers.close()
