"""What people read, on stderr: one line an event, with the time and the stage."""

from __future__ import annotations

import logging
import sys

_ROOT = "sparseinst"


def get_logger(stage: str) -> logging.Logger:
    """The logger of one stage ("train", "ingest", ...)."""
    return logging.getLogger(f"{_ROOT}.{stage}")


def set_up_logging(level: int = logging.INFO) -> None:
    """Sends the project's messages to stderr. Other libraries' loggers are left alone. Calling twice does nothing."""
    root = logging.getLogger(_ROOT)
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_StageFormatter())
    root.addHandler(handler)
    root.setLevel(level)
    root.propagate = False


class _StageFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stage = record.name.removeprefix(f"{_ROOT}.")
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return f"{self.formatTime(record, '%H:%M:%S')} {stage:<8} {mark}{record.getMessage()}"
