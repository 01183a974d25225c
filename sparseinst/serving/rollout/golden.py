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
from sparseinst.export.comparison import Difference, Limits, compare
from sparseinst.export.contract import COMPACT_REPLY, INPUT, MASK_CODE_THRESHOLD, NO_INSTANCE, OUTPUTS
from sparseinst.export.decode import decode_reply
from sparseinst.serving.connection import Connection
from sparseinst.serving.metadata import metadata_of

GOLDEN_FILE = "golden.npz"

_NEEDED = ("scores", "classes", "masks")
_FINGERPRINT = "fingerprint"
_ANY_THRESHOLD = 0.5  # the code decides what is inside, whatever probability it stands for

Answer = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class GoldenImage:
    """An image, uint8 [3, H, W], and what the export answered: the contract's outputs without the batch.

    Those of an older contract may lack some, but never "scores" [N], "classes" [N] and "masks" [N, h, w].
    """

    image: NDArray[np.uint8]
    answer: Answer

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.image.shape[1], self.image.shape[2]

    @property
    def instances(self) -> int:
        return int((self.answer["classes"] != NO_INSTANCE).sum())

    @property
    def fingerprint(self) -> bytes:
        """Of the model that answered; empty if it did not say."""
        found = self.answer.get(_FINGERPRINT)
        return b"" if found is None else found.tobytes()


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
            names = [spec.name for spec in OUTPUTS if spec.name in _NEEDED or f"{spec.name}_0" in arrays.files]
            golden = [
                GoldenImage(arrays[f"image_{i}"], {name: arrays[f"{name}_{i}"] for name in names}) for i in range(count)
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


def smallest(golden: list[GoldenImage]) -> list[GoldenImage]:
    """The smallest golden image, one with instances where there is any; none of none."""
    telling = [image for image in golden if image.instances] or golden
    return sorted(telling, key=lambda image: image.size[0] * image.size[1])[:1]


def prove(connection: Connection, model: str, version: str, golden: list[GoldenImage]) -> Proof:
    """Asks a served model for every golden image.

    Raises:
        DeployError: An answer is not of numbers, of another model, or differs by more than the tolerances; all that
            do are listed.
        StackError: The server or the model fails.
    """
    limits = limits_of(connection, model, version)
    differences, wrong = [], []
    for index, expected in enumerate(golden):
        served = connection.infer(model, version, {INPUT.name: expected.image[None]}, list(expected.answer))
        difference, fault = _judge(expected, {name: array[0] for name, array in served.items()}, limits)
        differences.append(difference)
        if fault:
            wrong.append(f"golden image {index} ({expected.size[1]} x {expected.size[0]}): {fault}")
    if wrong:
        raise DeployError(
            f"Triton's answers differ from the export's for {len(wrong)} of {len(golden)} golden images "
            f"(tolerated: {limits.score:g} of a score, {limits.mask:.1%} of a mask's pixels).",
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


def fault_of(difference: Difference) -> str:
    """What is wrong with an answer, in words; empty when it is within the tolerances."""
    if difference.is_within_tolerance:
        return ""
    if difference.unmatched:
        return (
            f"{difference.unmatched} of {difference.instances} instances have no counterpart of their class and score"
        )
    return f"scores differ by {difference.score:.1e}, masks by {difference.mask:.2%}"


def limits_of(connection: Connection, model: str, version: str = "") -> Limits:
    """What is tolerated of a served model: the golden answers were computed on a CPU.

    Raises:
        StackError: The server does not answer.
    """
    config = connection.model_config(model, version)
    if any(group.kind == group.KIND_GPU for group in config.instance_group):
        return Limits.on_gpu(metadata_of(config))
    return Limits()


def _judge(expected: GoldenImage, served: Answer, limits: Limits) -> tuple[Difference, str]:
    nothing_alike = Difference(expected.instances, expected.instances, score=1.0, mask=1.0)
    if not np.isfinite(served["scores"]).all():
        return nothing_alike, "scores are NaN or infinite"
    if expected.fingerprint and served[_FINGERPRINT].tobytes() != expected.fingerprint:
        return nothing_alike, (
            f"model {served[_FINGERPRINT].tobytes().hex()} answered, not {expected.fingerprint.hex()}"
        )
    if expected.answer["masks"].shape != served["masks"].shape:  # another grid or number of slots
        return nothing_alike, f"masks are {served['masks'].shape}, not {expected.answer['masks'].shape}"
    whole = compare(_instances(expected.answer), _instances(served), limits)
    if fault := fault_of(whole):
        return whole, fault
    if not set(COMPACT_REPLY) <= set(expected.answer):
        return whole, ""
    compact = compare(_compact(expected.answer, expected), _compact(served, expected), limits)
    fault = fault_of(compact)
    return whole, f"compact masks: {fault}" if fault else ""


def _instances(answer: Answer) -> Instances:
    filled = answer["classes"] != NO_INSTANCE
    inside = answer["masks"][filled] > MASK_CODE_THRESHOLD
    return Instances(answer["scores"][filled], answer["classes"][filled], inside)


def _compact(answer: Answer, image: GoldenImage) -> Instances:
    """What the compact form of the masks says, on the grid: there it takes little time."""
    reply = {name: answer[name][None] for name in COMPACT_REPLY}
    grid = image.answer["masks"].shape[1], image.answer["masks"].shape[2]
    return decode_reply(reply, sent=image.size, originals=[grid], mask_threshold=_ANY_THRESHOLD)[0]
