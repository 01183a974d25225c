"""Whether an incumbent can be compared with, known before the candidate is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    theirs = read_evaluation(incumbent).metrics
    wanted = {"dataset": dataset, "max_dets": list(max_dets)}
    unlike = [name for name, value in wanted.items() if theirs.get(name) != value]
    if unlike:
        raise EvaluationError(
            "The incumbent was measured otherwise, so a difference would say nothing.",
            where=str(incumbent),
            details=[f"{name}: {wanted[name]} against {theirs.get(name)}" for name in unlike],
            fix="Evaluate it again with the same annotation file and the same --max-dets, or leave --incumbent out.",
        )
