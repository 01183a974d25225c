"""The environment that the stack's servers get."""

from __future__ import annotations

import os

from sparseinst.serving.key import KEY_VARIABLE
from sparseinst.serving.stack.state import StackState


def server_environment(state: StackState) -> dict[str, str]:
    """This process's environment, with the stack's own S3 settings in place of any others.

    A user's profile or session token would win over, or break, the stack's keys. What may load models is kept from the
    models.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = kept | state.environment()
    return {name: value for name, value in environment.items() if name not in ("AWS_ENDPOINT_URL", KEY_VARIABLE)}
