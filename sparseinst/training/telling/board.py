"""TensorBoard: scalars while training, pictures and a precision-recall curve from evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.closing import Closing
from sparseinst.evaluation.analysis.precision_recall import PrecisionRecall
from sparseinst.log import get_logger

log = get_logger("train")

FOLDER = "tensorboard"


class Board(Closing):
    """Writes to `output/tensorboard`. It is a convenience: where it cannot be written, training goes on without."""

    def __init__(self, output: Path, start: int, history: Iterable[Mapping[str, Any]] = ()) -> None:
        """Begins at an iteration; what was written for later ones is dropped.

        Args:
            output: The run's folder.
            start: The iteration that the run begins or goes on at.
            history: Records of metrics.jsonl, for a run that goes on where its earlier files are lost.
        """
        from torch.utils.tensorboard import SummaryWriter

        is_new = not (output / FOLDER).is_dir()
        try:
            self._writer: SummaryWriter | None = SummaryWriter(str(output / FOLDER), purge_step=start + 1)
        except OSError as error:
            self._give_up(error)
        if is_new:
            for record in history:
                self.scalars(record)

    def scalars(self, record: Mapping[str, Any]) -> None:
        """A record of metrics.jsonl or timing.jsonl."""
        step = record["iteration"]
        for name, value in record.items():
            if name == "evaluation":
                for number, score in value.items():
                    if score is not None:
                        self._write("add_scalar", f"val/{number}", score, step)
            elif name != "iteration" and value is not None:
                self._write("add_scalar", f"train/{name}", value, step)

    def pictures(self, named: Sequence[tuple[str, NDArray[np.uint8]]], iteration: int) -> None:
        """Truth beside prediction, uint8 RGB [h, w, 3] each."""
        for name, pixels in named:
            self._write("add_image", f"val/{name}", pixels, iteration, dataformats="HWC")

    def precision_recall(self, curve: PrecisionRecall, iteration: int) -> None:
        """All classes together, at an IoU of 0.5."""
        self._write(
            "add_pr_curve_raw",
            "val/precision_recall_IoU50",
            curve.true_positives,
            curve.false_positives,
            np.zeros_like(curve.true_positives),  # nothing is a true negative where objects are searched for
            curve.false_negatives,
            curve.precision,
            curve.recall,
            iteration,
            num_thresholds=len(curve.thresholds),
        )

    def close(self) -> None:
        self._write("close")

    def _write(self, method: str, *values: Any, **named: Any) -> None:
        if self._writer is None:
            return
        try:
            getattr(self._writer, method)(*values, **named)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._writer = None
        log.warning("TensorBoard's files cannot be written (%s): no more of them in this run", error.strerror)
