"""Ending on SIGTERM as on an error: what was begun is undone first."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def undo_on_sigterm() -> None:
    """Lets SIGTERM raise SystemExit(143), so that `finally` and `except` blocks run."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
