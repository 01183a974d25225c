"""The environment that the stack's servers get."""

from __future__ import annotations

import os

from sparseinst.serving.stack.state import StackState


def server_environment(state: StackState) -> dict[str, str]:
    """This process's environment, with the stack's own S3 settings in place of any others.

    A user's profile or session token would win over, or break, the stack's keys.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {name: value for name, value in state.environment().items() if name != "AWS_ENDPOINT_URL"}
