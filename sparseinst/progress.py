"""How far a long job is: a bar on a terminal, a line every few seconds in a log. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sparseinst.log import get_logger

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(stage: str, doing: str, total: int) -> Iterator[Callable[[], None]]:
    """Shows progress while the block runs; the block calls what it is given once for each of `total` items.

    Args:
        stage: The stage's name as in the log, e.g. "ingest".
        doing: What happens, e.g. "copying images".
    """
    shown = _bar(doing, total) if sys.stderr.isatty() else _lines(stage, doing, total)
    with shown as advance:
        yield advance


@contextmanager
def _bar(doing: str, total: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def _lines(stage: str, doing: str, total: int) -> Iterator[Callable[[], None]]:
    log = get_logger(stage)
    done, last_line = 0, time.monotonic()

    def advance() -> None:
        nonlocal done, last_line
        done += 1
        if time.monotonic() - last_line >= _SECONDS_BETWEEN_LINES and done < total:
            last_line = time.monotonic()
            log.info("%s: %d of %d", doing, done, total)

    yield advance
