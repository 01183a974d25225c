"""How far a long job is: a bar on a terminal, a line every few seconds in a log. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol, TypeAlias

from sparseinst.log import get_logger

Unit: TypeAlias = Literal["items", "bytes"]

_SECONDS_BETWEEN_LINES = 5.0


class Advance(Protocol):
    """Tells that so many more are done."""

    def __call__(self, amount: int = 1) -> None: ...


def progress(
    stage: str, doing: str, total: int | None, *, done: int = 0, unit: Unit = "items"
) -> AbstractContextManager[Advance]:
    """Shows progress while the block runs; it calls what it is given for each item, or with the number of new ones.

    Args:
        stage: The stage's name as in the log, e.g. "ingest".
        doing: What happens, e.g. "copying images".
        total: How many there are; None where nobody knows.
        done: How many were done before, by an earlier attempt.
        unit: What is counted. Bytes are shown with their speed.
    """
    return _bar(doing, total, done, unit) if sys.stderr.isatty() else _lines(stage, doing, total, done, unit)


@contextmanager
def _bar(doing: str, total: int | None, done: int, unit: Unit) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    counted = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (MofNCompleteColumn(), Rate())
    columns = (TextColumn("{task.description}"), BarColumn(), *counted, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=total, completed=done)

        def advance(amount: int = 1) -> None:
            bar.advance(task, amount)

        yield advance


@contextmanager
def _lines(stage: str, doing: str, total: int | None, done: int, unit: Unit) -> Iterator[Advance]:
    log = get_logger(stage)
    first, begin = done, time.monotonic()
    last_line = begin

    def advance(amount: int = 1) -> None:
        nonlocal done, last_line
        done += amount
        now = time.monotonic()
        if now - last_line >= _SECONDS_BETWEEN_LINES and (total is None or done < total):
            last_line = now
            log.info("%s: %s", doing, _so_far(done, total, (done - first) / max(now - begin, 1e-9), unit))

    yield advance


def _so_far(done: int, total: int | None, per_second: float, unit: Unit) -> str:
    left = "" if total is None else f", {(total - done) / per_second:.0f} s left" if per_second else ", stalled"
    of = "" if total is None else f" of {total}" if unit == "items" else f" of {total / 1e6:.1f}"
    if unit == "items":
        return f"{done}{of}, {per_second:.1f}/s{left}"
    return f"{done / 1e6:.1f}{of} MB, {per_second / 1e6:.1f} MB/s{left}"
