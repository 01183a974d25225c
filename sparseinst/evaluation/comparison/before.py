"""Whether an incumbent can be compared with, known before the candidate is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.finished import read_evaluation


def check_comparable(incumbent: Path, dataset: str, max_dets: Sequence[int]) -> None:
    """Reads the incumbent's evaluation.

    Args:
        incumbent: The folder of an evaluation.
        dataset: The SHA-256 of the annotation file that the candidate will be measured on.
        max_dets: How many detections of an image and a class will count.

    Raises:
        EvaluationError: It cannot be read, or was measured on other data, or counted otherwise.
    """
    found = unlike({"dataset": dataset, "max_dets": list(max_dets)}, read_evaluation(incumbent).metrics)
    if found:
        raise EvaluationError(
            "The incumbent was measured otherwise, so a difference would say nothing.",
            where=str(incumbent),
            details=found,
            fix="Evaluate it again with the same annotation file and the same --max-dets, or leave --incumbent out.",
        )


def unlike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """What differs of all that must be the same for a difference of two metrics to say anything."""
    return [
        f"{name}: {ours.get(name)} against {theirs.get(name)}"
        for name in ("dataset", "max_dets")
        if ours.get(name) != theirs.get(name)
    ]
