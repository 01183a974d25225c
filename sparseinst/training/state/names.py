"""What the file of a saved state is called: the iteration, and the first digits of its SHA-256."""

from __future__ import annotations

import re

_DIGITS = 16
STATE_NAME = re.compile(rf"(\d{{8,}})-([0-9a-f]{{{_DIGITS}}})\.pt")


def state_name(iteration: int, sha256: str) -> str:
    return f"{iteration:08d}-{sha256[:_DIGITS]}.pt"
