"""What is to be done again backwards when a rollout fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from sparseinst.errors import SparseInstError
from sparseinst.log import get_logger

log = get_logger("deploy")


class Undo(ExitStack):
    """Runs the given actions, the last one first, unless `keep` was called: on an error, and on an interrupt too."""

    def add(self, action: Callable[[], object], consequence: str) -> None:
        """`consequence` is what the user is told where the action fails."""
        self.callback(quietly, action, consequence)

    def keep(self) -> None:
        """All went well: nothing is undone."""
        self.pop_all()


def quietly(action: Callable[[], object], consequence: str) -> None:
    """Tidying must neither hide the error that made it necessary, nor fail a rollout that is done."""
    try:
        action()
    except SparseInstError as error:
        log.warning("%s: %s", consequence, error.problem)
