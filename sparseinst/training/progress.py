"""What a run says while it trains: log lines for people, JSON lines and TensorBoard scalars for later."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sparseinst.files import write_text
from sparseinst.log import get_logger

log = get_logger("train")

_SECONDS_BETWEEN_LINES = 10.0
_PARTS = {"loss_ce": "class", "loss_mask": "mask", "loss_dice": "dice", "loss_objectness": "objectness"}


class Progress:
    """Rank 0's reporter. Losses are averaged between reports."""

    def __init__(self, output: Path, iterations: int, batch_size: int, start: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._board = SummaryWriter(str(output / "tensorboard"), purge_step=start)
        self._lines = _continue_lines(output / "metrics.jsonl", start).open("a", encoding="utf-8")
        self._iterations, self._batch_size = iterations, batch_size
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = self._last_line = time.monotonic()
        self._begin, self._start = self._since, start
        self._waited = 0.0

    def add(self, losses: Mapping[str, float], waited: float) -> None:
        """Counts one iteration: its losses, and the seconds it waited for data."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        self._waited += waited

    def report(self, iteration: int, lr: float, progress: float) -> None:
        """Writes the averages since the last report; a line for people at most every ten seconds and at the end."""
        now = time.monotonic()
        seconds = max(now - self._since, 1e-9)
        means = {name: total / self._count for name, total in self._sums.items()}
        record = {
            **means,
            "loss": sum(means.values()),
            "lr": lr,
            "images_per_second": self._count * self._batch_size / seconds,
            "data_wait_share": self._waited / seconds,
        }
        for name, value in record.items():
            self._board.add_scalar(f"train/{name}", value, iteration)
        self._lines.write(json.dumps({"iteration": iteration, **record}) + "\n")
        self._lines.flush()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES or iteration == self._iterations or sys.stderr.isatty():
            self._last_line = now
            parts = ", ".join(f"{short} {means[name]:.2f}" for name, short in _PARTS.items() if name in means)
            left = (now - self._begin) / max(progress, 1e-9) * (1 - progress) if progress > 0 else 0.0
            log.info(
                "iteration %s/%s  loss %.2f (%s)  lr %.1e  %.0f img/s  data wait %.0f %%  eta %s",
                f"{iteration:,}".replace(",", " "),
                f"{self._iterations:,}".replace(",", " "),
                record["loss"],
                parts,
                lr,
                record["images_per_second"],
                100 * record["data_wait_share"],
                f"{left / 60:.1f} min",
            )
        self._sums, self._count, self._waited, self._since = {}, 0, 0.0, now

    def close(self) -> None:
        self._board.close()
        self._lines.close()


def _continue_lines(path: Path, start: int) -> Path:
    """Drops what an interrupted run wrote after the checkpoint that this run goes on from."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["iteration"] <= start]
        write_text(path, "".join(kept))
    return path
