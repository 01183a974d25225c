"""What the nodes left in the output folder, as the step that waited for them finds it."""

from __future__ import annotations

from pathlib import Path

from sparseinst.errors import TrainingError
from sparseinst.manifest import NAME
from sparseinst.training.order import TrainResult
from sparseinst.workspace import fetch


def read_result(output: str) -> TrainResult:
    """What the training's manifest names. The manifest is written last, so what it names is whole.

    Args:
        output: The folder, or the address, that the nodes wrote to.

    Raises:
        TrainingError: The nodes wrote somewhere else: they and this step must mount the same volume at the same place.
        StorageError: In the bucket there is nothing whole, or it cannot be had.
    """
    return _read(fetch(output))


def _read(output: Path) -> TrainResult:
    if not (output / NAME).is_file():
        raise TrainingError(
            "The nodes are done, and there is no result of theirs here.",
            where=str(output / NAME),
            fix="Mount the same volume at the same path in this step and in the TrainJob (workspace_claim).",
        )
    return TrainResult.of(output)
