"""What is kept of a step whose loss was no number, so that it can be looked at, and computed again, later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.loading.example import Example
from sparseinst.errors import StorageError
from sparseinst.files import write_json
from sparseinst.log import get_logger
from sparseinst.training.checkpoint import Checkpoint, save_checkpoint
from sparseinst.training.learner import Outcome

log = get_logger("train")

FOLDER = "non_finite"
_MOST_KEPT = 3  # of a run; each is as large as a saved state


def keep_evidence(
    output: Path,
    checkpoint: Checkpoint,
    outcome: Outcome,
    images: Sequence[dict[str, Any]],
    *,
    lr: float,
    padded: tuple[int, int],
) -> Path | None:
    """Writes `output/non_finite/<iteration>/batch.json` and state.pt; for the first few steps of a run.

    Args:
        output: The run's folder.
        checkpoint: The state before the step, which is also the state after it, since the step was taken back.
        outcome: The losses.
        images: As `describe` gives them, of all ranks.
        lr: The learning rate of the step.
        padded: The size that the images were padded to.

    Returns:
        The folder; None where enough are kept, or the disk is full.
    """
    folder = output / FOLDER / f"{checkpoint.iteration:08d}"
    if not folder.is_dir() and sum(1 for _ in folder.parent.glob("*")) >= _MOST_KEPT:
        return None
    facts = {
        "iteration": checkpoint.iteration,
        "losses": {name: _shown(value) for name, value in outcome.losses.items()},
        "gradient_norm": _shown(outcome.gradient_norm),
        "loss_scale": outcome.loss_scale,
        "lr": lr,
        "padded": list(padded),
        "images": list(images),
    }
    try:
        write_json(folder / "batch.json", facts)
        save_checkpoint(folder / "state.pt", checkpoint)
    except (OSError, StorageError) as error:
        log.warning("the evidence of iteration %d could not be kept: %s", checkpoint.iteration, error)
        return None
    return folder


def describe(rank: int, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """What a rank computed with, for the evidence."""
    return [
        {
            "rank": rank,
            "image_id": example.image_id,
            "height": example.image.shape[1],
            "width": example.image.shape[2],
            "classes": example.target.classes.tolist(),
            "mask_pixels": [int(mask.sum()) for mask in example.target.masks],
        }
        for example in examples
    ]


def _shown(value: float) -> float | str:
    """JSON has no NaN and no infinity."""
    return value if abs(value) < float("inf") else str(value)
