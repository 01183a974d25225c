"""Watching a stack: what does not serve is told and repaired, as often as it takes but not more."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sparseinst.errors import SparseInstError
from sparseinst.log import get_logger
from sparseinst.serving.stack.models import is_rolled_out
from sparseinst.serving.stack.stack import SERVERS, repair
from sparseinst.serving.stack.state import read_state
from sparseinst.serving.stack.status import status
from sparseinst.serving.stack.watcher import EVERY_S

log = get_logger("watch")

_LONGEST_WAIT_S = 300.0


class Patience:
    """When to try again what did not help: at once, then after 10, 20, 40 … seconds, at most 5 minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: dict[str, int] = {}
        self._next: dict[str, float] = {}

    def is_due(self, part: str) -> bool:
        return self._clock() >= self._next.get(part, 0.0)

    def tried(self, part: str) -> None:
        self._tries[part] = self._tries.get(part, 0) + 1
        self._next[part] = self._clock() + min(5.0 * 2 ** self._tries[part], _LONGEST_WAIT_S)

    def keep(self, parts: set[str]) -> None:
        """Forgets all parts but these: the others serve again."""
        for part in self._tries.keys() - parts:
            del self._tries[part], self._next[part]


def watch(root: Path, *, every_s: float = EVERY_S) -> None:
    """Looks at the stack in `root` every few seconds and repairs it, until it is taken down.

    A server that died, or that no longer answers, is started again; a model that is dead is loaded anew. While `up` or
    `down` works on the stack, and while a model is rolled out, they are left to it.

    Raises:
        StackError: No stack was ever started there, or its state is damaged.
    """
    root = root.resolve()
    patience = Patience()
    log.info("watching the stack in %s, every %g s", root, every_s)
    while look(root, patience):
        time.sleep(every_s)
    log.info("the stack was taken down")


def look(root: Path, patience: Patience) -> bool:
    """One look, and a repair of what is due for one.

    Returns:
        False once the stack is down.
    """
    state = read_state(root)
    if state is None or not any(name in state.processes for name in SERVERS):
        return False
    found = status(root)
    servers = {server.name: server.problem for server in found.servers if server.name in SERVERS and server.problem}
    models = {model.name: model.problem for model in found.models if model.problem}
    problems = servers or models
    patience.keep(set(problems))
    due = {name for name in problems if patience.is_due(name) and not (name in models and is_rolled_out(state, name))}
    for name in sorted(due):
        log.warning("%s: %s", name, problems[name])
        patience.tried(name)
    if due:
        try:
            repair(root, leave=models.keys() - due)
        except SparseInstError as error:
            log.warning("the repair failed: %s", error.problem)
    return True
