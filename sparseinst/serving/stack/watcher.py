"""The stack's third process: it looks at the servers and models every few seconds, and repairs what does not serve."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import sparseinst
from sparseinst.serving.stack import supervisor
from sparseinst.serving.stack.state import WATCH, StackState

EVERY_S = 5.0


def start(state: StackState) -> supervisor.ProcessId:
    """Starts `sparseinst stack watch` in the background. Returns at once."""
    code = [str(Path(sparseinst.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(code)}  # it works in the stack's folder
    command = [sys.executable, "-m", "sparseinst", "stack", "watch", f"--root={state.root}"]
    return supervisor.start(command, environment=environment, folder=state.root, log=state.log(WATCH))
