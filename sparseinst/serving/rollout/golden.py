"""The proof that what Triton answers is what the export answered: golden images, asked again."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import DeployError
from sparseinst.evaluation.instances import Instances
from sparseinst.export.comparison import MASK_TOLERANCE, SCORE_TOLERANCE, Difference, compare
from sparseinst.export.contract import INPUT, MASK_CODE_THRESHOLD, NO_INSTANCE, OUTPUTS
from sparseinst.serving.connection import Connection

GOLDEN_FILE = "golden.npz"

_OUTPUT_NAMES = [spec.name for spec in OUTPUTS]


@dataclass(frozen=True, slots=True, eq=False)
class GoldenImage:
    """An image, uint8 [3, H, W], and what the export answered: "scores" [N], "classes" [N], "masks" [N, h, w]."""

    image: NDArray[np.uint8]
    answer: dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Proof:
    """The golden images that were asked, and the largest differences found: of scores, and of a mask's pixels."""

    images: int
    instances: int
    score: float
    mask: float


def read_golden(path: Path) -> list[GoldenImage]:
    """Reads golden.npz.

    Raises:
        DeployError: It is missing, damaged or empty.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            count = sum(name.startswith("image_") for name in arrays.files)
            golden = [
                GoldenImage(arrays[f"image_{i}"], {name: arrays[f"{name}_{i}"] for name in _OUTPUT_NAMES})
                for i in range(count)
            ]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DeployError(
            f"The golden images cannot be read ({error}).",
            where=str(path),
            fix="Export the model again: without them nothing can be proven.",
        ) from error
    if not golden:
        raise DeployError("There are no golden images.", where=str(path), fix="Export the model again.")
    return golden


def prove(connection: Connection, model: str, version: str, golden: list[GoldenImage]) -> Proof:
    """Asks a served model for every golden image.

    Raises:
        DeployError: An answer differs by more than the tolerances; all that differ are listed.
        StackError: The server or the model fails.
    """
    differences = []
    for expected in golden:
        served = connection.infer(model, version, {INPUT.name: expected.image[None]}, _OUTPUT_NAMES)
        differences.append(_difference(expected.answer, {name: array[0] for name, array in served.items()}))
    wrong = [
        f"golden image {index} ({expected.image.shape[2]} x {expected.image.shape[1]}): {_words(difference)}"
        for index, (expected, difference) in enumerate(zip(golden, differences, strict=True))
        if not difference.is_within_tolerance
    ]
    if wrong:
        raise DeployError(
            f"Triton's answers differ from the export's for {len(wrong)} of {len(golden)} golden images "
            f"(tolerated: {SCORE_TOLERANCE:g} of a score, {MASK_TOLERANCE:.1%} of a mask's pixels).",
            where=f"{connection.url}, model '{model}'",
            details=wrong,
            fix="Export again with the torch version that the server has, and compare parity.json.",
        )
    return Proof(
        images=len(golden),
        instances=sum(difference.instances for difference in differences),
        score=max(difference.score for difference in differences),
        mask=max(difference.mask for difference in differences),
    )


def _difference(expected: dict[str, NDArray[Any]], served: dict[str, NDArray[Any]]) -> Difference:
    if expected["masks"].shape != served["masks"].shape:  # another grid or number of slots: nothing corresponds
        count = max(len(expected["scores"]), len(served["scores"]))
        return Difference(instances=count, unmatched=count, score=1.0, mask=1.0)
    return compare(_instances(expected), _instances(served))


def _instances(answer: dict[str, NDArray[Any]]) -> Instances:
    filled = answer["classes"] != NO_INSTANCE
    inside = answer["masks"][filled] > MASK_CODE_THRESHOLD
    return Instances(answer["scores"][filled], answer["classes"][filled], inside)


def _words(difference: Difference) -> str:
    if difference.unmatched:
        return (
            f"{difference.unmatched} of {difference.instances} instances have no counterpart of their class and score"
        )
    return f"scores differ by {difference.score:.1e}, masks by {difference.mask:.2%}"
