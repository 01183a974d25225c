"""What a run says while it trains: lines for people; JSON lines and TensorBoard for later."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

from sparseinst.closing import Closing
from sparseinst.log import get_logger
from sparseinst.pages.words import duration
from sparseinst.training.learner import Outcome
from sparseinst.training.telling.board import Board
from sparseinst.training.telling.lines import EVENTS, METRICS, TIMING, JsonLines, records, until

log = get_logger("train")

_SECONDS_BETWEEN_LINES = 10.0
_PARTS = {"loss_ce": "class", "loss_mask": "mask", "loss_dice": "dice", "loss_objectness": "objectness"}


class Progress(Closing):
    """Rank 0's reporter. Losses are averaged between reports.

    metrics.jsonl has what was computed and nothing else, so that a run that was stopped ends with the same bytes.
    """

    def __init__(
        self, output: Path, iterations: int, batch_size: int, start: int, saved: Mapping[str, Any] | None = None
    ) -> None:
        """Begins or goes on at iteration `start`; `saved` is what `state` gave when it was saved."""
        self._iterations, self._batch_size, self._start = iterations, batch_size, start
        self._sums: dict[str, float] = dict(saved["sums"]) if saved else {}
        self._count: int = saved["count"] if saved else 0
        self._skipped: int = saved["skipped"] if saved else 0
        self._scale = 1.0
        self._metrics = JsonLines(output / METRICS, saved["metrics"] if saved else "")
        self._timing = JsonLines(output / TIMING, until(output / TIMING, start))
        self._events = JsonLines(output / EVENTS, "".join(_texts(output / EVENTS)))
        self.board = Board(output, start, records(output / METRICS))
        self._since = self._last_line = self._begin = time.monotonic()
        self._timed, self._waited = 0, 0.0

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to write the same metrics.jsonl."""
        return {
            "sums": dict(self._sums),
            "count": self._count,
            "skipped": self._skipped,
            "metrics": self._metrics.text,
        }

    def add(self, outcome: Outcome, waited: float) -> None:
        """Counts one iteration: its losses and gradient norm, and the seconds it waited for data."""
        if outcome.is_sound:
            for name, value in {**outcome.losses, "grad_norm": outcome.gradient_norm}.items():
                if math.isfinite(value):  # in fp16 the norm is infinite while the loss scale is too large
                    self._sums[name] = self._sums.get(name, 0.0) + value
            self._count += 1
        else:
            self._skipped += 1
        self._scale = outcome.loss_scale
        self._timed += 1
        self._waited += waited

    def report(self, iteration: int, lr: float, progress: float, seconds: float) -> None:
        """Writes the averages since the last report; a line for people at most every ten seconds and at the end.

        Args:
            iteration: How many are done.
            lr: The last one's learning rate.
            progress: How much of the run is done, 0 to 1.
            seconds: Of training so far.
        """
        now = time.monotonic()
        passed = max(now - self._since, 1e-9)
        means = {name: total / max(1, self._count) for name, total in self._sums.items()}
        loss = sum(means[name] for name in _PARTS) if means else None
        record: dict[str, Any] = {"iteration": iteration, "loss": loss, **means, "lr": lr}
        if self._skipped:
            record["skipped"] = self._skipped
        if self._scale != 1:
            record["loss_scale"] = self._scale
        timing = {
            "iteration": iteration,
            "seconds": round(seconds, 3),
            "images_per_second": round(self._timed * self._batch_size / passed, 3),
            "data_wait_share": round(self._waited / passed, 4),
            "memory_gb": round(memory_bytes() / 1e9, 3),
        }
        self._metrics.add(record)
        self._timing.add(timing)
        self.board.scalars(record)
        self.board.scalars(timing)
        if now - self._last_line >= _SECONDS_BETWEEN_LINES or iteration == self._iterations or sys.stderr.isatty():
            self._last_line = now
            self._say(record, timing, self._left(now, progress))
        self._sums, self._count, self._skipped = {}, 0, 0
        self._timed, self._waited, self._since = 0, 0.0, now

    def evaluated(self, iteration: int, numbers: Mapping[str, float | None]) -> None:
        """The 12 COCO numbers of an evaluation."""
        record = {"iteration": iteration, "evaluation": dict(numbers)}
        self._metrics.add(record)
        self.board.scalars(record)
        self._since = time.monotonic()
        self._timed, self._waited = 0, 0.0

    def event(self, iteration: int, kind: str, text: str) -> None:
        """Something that does not happen on a good day."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._events.add({"iteration": iteration, "event": kind, "text": text, "at": at})

    def close(self) -> None:
        self.board.close()

    def _left(self, now: float, progress: float) -> float:
        """Seconds to the end, at the pace of this attempt."""
        done = max(progress - self._start / self._iterations, 1e-9)
        return (now - self._begin) / done * (1 - progress)

    def _say(self, record: Mapping[str, Any], timing: Mapping[str, float], left: float) -> None:
        parts = ", ".join(f"{short} {record[name]:.2f}" for name, short in _PARTS.items() if name in record)
        log.info(
            "iteration %s/%s  loss %.2f (%s)  lr %.1e  %.0f img/s  data wait %.0f %%  %.1f GB  eta %s",
            _spaced(int(record["iteration"])),
            _spaced(self._iterations),
            record["loss"] or math.nan,
            parts,
            record["lr"],
            timing["images_per_second"],
            100 * timing["data_wait_share"],
            timing["memory_gb"],
            duration(left),
        )


def memory_bytes() -> int:
    """What this process uses: the most so far of the GPU's memory where there is one, else of the machine's now."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return int(psutil.Process().memory_info().rss)


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _texts(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
