"""Training in processes that are forked from one that has imported torch: an import takes three seconds.

All but the start is as in a process that was started: it has an id, a session, an environment and a stderr of its own,
hears signals, and ends as the interpreter ends. The real command is started by test_stop.py, test_hang.py,
test_sums.py, and for two ranks in float32 by test_resume_two_ranks.py.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Forge:
    """The process that has imported everything, and forks itself for each task."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.training.forked"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def start(self, command: Sequence[str], ranks: int = 1, **environment: str) -> Job:
        """Runs a `python -m sparseinst ...` in so many processes, which find each other as under torchrun."""
        assert list(command[1:3]) == ["-m", "sparseinst"]
        return self._fork({"of": "sparseinst.cli", "run": "main", "command": command[3:]}, ranks, environment)

    def call(self, function: Callable[..., None], *arguments: str, ranks: int) -> Job:
        """Runs a function of a module in so many processes, likewise."""
        return self._fork({"of": function.__module__, "run": function.__name__, "arguments": arguments}, ranks, {})

    def _fork(self, task: dict[str, Any], ranks: int, environment: Mapping[str, str]) -> Job:
        self._count += 1
        log = self._folder / f"{self._count}.log"
        everything = {**os.environ, **environment}
        if ranks > 1:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            everything |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks)}
        pids = []
        for rank in range(ranks):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)} if ranks > 1 else {}
            pids.append(self.ask(task | {"environment": everything | own, "log": str(log)}))
        return Job(self, pids, log)

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        self._server.communicate(timeout=20)


class Job:
    """The processes of one task; what a test asks of a Popen can be asked of it."""

    def __init__(self, forge: Forge, pids: Sequence[int], log: Path) -> None:
        self._forge, self._log = forge, log
        self._codes: dict[int, int | None] = dict.fromkeys(pids)
        self.pid = pids[0]

    @property
    def returncode(self) -> int | None:
        """None until all have ended; then the first code that is not 0, if there is one."""
        codes = list(self._codes.values())
        return None if None in codes else next(filter(None, codes), 0)

    def poll(self) -> int | None:
        for pid, code in self._codes.items():
            if code is None:
                self._codes[pid] = self._forge.ask({"ended": pid})
        return self.returncode

    def send_signal(self, number: int) -> None:
        for pid, code in self._codes.items():
            if code is None:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 240) -> tuple[None, str]:
        """Waits for the end; the messages of all."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(self._log.read_text())
            time.sleep(0.02)
        return None, self._log.read_text()

    def end(self) -> str:
        """Waits for the end, which must be a good one; the messages of all."""
        _, messages = self.communicate()
        assert self.returncode == 0, messages
        return messages


def _requests() -> dict[str, Any]:
    """Answers the tests; in a process that was forked, gives what it shall do."""
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if "ended" in request:
            pid, status = os.waitpid(request["ended"], os.WNOHANG)
            reply = os.waitstatus_to_exitcode(status) if pid else None
        elif (reply := os.fork()) == 0:
            return request
        print(json.dumps(reply), flush=True)
    sys.exit()


def _run(request: dict[str, Any]) -> None:
    """Makes this process what an interpreter is that was started with these arguments."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, file in ((0, nothing), (1, nothing), (2, log)):
        os.dup2(file, number)
    os.environ.clear()
    os.environ |= request["environment"]
    sys.argv = ["sparseinst", *request.get("command", [])]
    if folders := os.environ.get("PYTHONPATH"):
        sys.path[1:1] = folders.split(os.pathsep)
        sys.modules.pop("sitecustomize", None)
        with suppress(ModuleNotFoundError):
            __import__("sitecustomize")
    getattr(importlib.import_module(request["of"]), request["run"])(*request.get("arguments", []))


if __name__ == "__main__":
    import sparseinst.cli
    import sparseinst.cli.train
    import sparseinst.training.train  # noqa: F401

    _run(_requests())
