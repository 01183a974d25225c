"""What the nodes left in the output folder, as the step that waited for them finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sparseinst.errors import TrainingError
from sparseinst.manifest import NAME, read_manifest
from sparseinst.training.order import REPORT_NAME


@dataclass(frozen=True, slots=True)
class Trained:
    """What the nodes made.

    Attributes:
        checkpoint: The model.
        report: The run's page.
        iterations: How many were done.
        numbers: What runs are compared by.
    """

    checkpoint: Path
    report: Path
    iterations: int
    numbers: Mapping[str, float]


def read_result(output: Path) -> Trained:
    """The checkpoint that the training's manifest names. The manifest is written last, so what it names is whole.

    Raises:
        TrainingError: The nodes wrote somewhere else: they and this step must mount the same volume at the same place.
    """
    if not (output / NAME).is_file():
        raise TrainingError(
            "The nodes are done, and there is no result of theirs here.",
            where=str(output / NAME),
            fix="Mount the same volume at the same path in this step and in the TrainJob (workspace_claim).",
        )
    manifest = read_manifest(output)
    (file,) = (name for name in manifest["files"] if name.endswith(".pt"))
    facts = manifest["facts"]
    numbers = {"iterations": facts["iterations"], "minutes": round(facts.get("seconds", 0) / 60, 2)}
    numbers |= {"best_ap": facts["best_ap"]} if "best_ap" in facts else {}
    return Trained(output / file, output / REPORT_NAME, int(facts["iterations"]), numbers)
