"""How long a version takes for an image, beside the one in service."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.export.contract import INPUT, OUTPUTS
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.log import get_logger
from sparseinst.serving.connection import Connection

log = get_logger("deploy")

ROUNDS = (4, 12)  # what looks too slow is measured again, and longer: the machine may have been busy
LEAST_ROUNDS, LONG_ENOUGH_S = 2, 5.0  # a model that takes seconds needs no more
SLACK_MS = 3.0  # a difference as small as this says more about the machine than about the models

Images = Sequence[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A model as Triton serves it, and the images that it is measured on, uint8 [3, H, W] each."""

    name: str
    version: str
    images: Images


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds for an image, the mean over the golden images of the least of several tries.

    The least, because a busy machine makes some tries longer and none shorter. Asked for scores only: the model
    computes all the same, and little travels. `incumbent_ms` is None where no version was in service.
    """

    candidate_ms: float
    incumbent_ms: float | None = None

    @property
    def slowdown(self) -> float | None:
        return None if self.incumbent_ms is None else self.candidate_ms / self.incumbent_ms

    def __str__(self) -> str:
        if self.incumbent_ms is None:
            return f"{self.candidate_ms:.1f} ms for an image"
        return (
            f"{self.candidate_ms:.1f} ms for an image, {self.slowdown:.2f} times the {self.incumbent_ms:.1f} ms of "
            "the version in service"
        )

    def fault(self, max_latency_ms: float | None, max_slowdown: float | None) -> str:
        """Which limit the candidate breaks; empty when it is fast enough."""
        if max_latency_ms is not None and self.candidate_ms > max_latency_ms:
            return f"It takes {self.candidate_ms:.1f} ms for an image; {max_latency_ms:g} ms are allowed."
        if max_slowdown is None or self.incumbent_ms is None:
            return ""
        if not is_too_slow(self.candidate_ms, self.incumbent_ms, max_slowdown):
            return ""
        return (
            f"It takes {self.candidate_ms:.1f} ms for an image, {self.slowdown:.1f} times as long as the "
            f"{self.incumbent_ms:.1f} ms of the version in service; {max_slowdown:g} times are allowed."
        )


def is_too_slow(candidate_ms: float, incumbent_ms: float, max_slowdown: float) -> bool:
    return candidate_ms > max(max_slowdown * incumbent_ms, incumbent_ms + SLACK_MS)


def require_pace(
    triton: Connection,
    candidate: Served,
    incumbent: Served | None,
    *,
    max_latency_ms: float | None,
    max_slowdown: float | None,
) -> Pace:
    """Measures both alternately, so that whatever else the machine does slows both.

    Raises:
        DeployError: The candidate is slower than is allowed.
        StackError: It does not answer.
    """
    best: dict[Served, NDArray[np.float64]] = {}
    for rounds in ROUNDS:
        end = time.monotonic() + LONG_ENOUGH_S
        for done in range(rounds):
            if done >= LEAST_ROUNDS and time.monotonic() > end:
                break
            _time(triton, candidate, best)
            if incumbent is not None and not _time_if_it_answers(triton, incumbent, best):
                incumbent = None
        pace = Pace(float(best[candidate].mean()), None if incumbent is None else float(best[incumbent].mean()))
        fault = pace.fault(max_latency_ms, max_slowdown)
        if not fault:
            return pace
    raise DeployError(
        fault,
        where=f"{triton.url}, model '{candidate.name}'",
        fix="Use a smaller model, or allow more with --max-latency-ms or --max-slowdown.",
    )


def as_taken_by(metadata: Mapping[str, Any], like: Mapping[str, Any], images: Images) -> Images:
    """Images of the size that one model takes, in the size that another one, described by `metadata`, takes."""
    sides = ("short_side", "longest_side")
    if any(side not in metadata for side in sides) or all(metadata[side] == like.get(side) for side in sides):
        return images
    taken = []
    for image in images:
        height, width = target_size(image.shape[1], image.shape[2], *(int(metadata[side]) for side in sides))
        taken.append(resize_image(image.transpose(1, 2, 0), height, width).transpose(2, 0, 1))
    return taken


def _time(triton: Connection, model: Served, best: dict[Served, NDArray[np.float64]]) -> None:
    took_ms = []
    for image in model.images:
        begin = time.perf_counter()
        triton.infer(model.name, model.version, {INPUT.name: image[None]}, [OUTPUTS[0].name])
        took_ms.append(1000 * (time.perf_counter() - begin))
    best[model] = np.minimum(took_ms, best.get(model, np.inf))


def _time_if_it_answers(triton: Connection, model: Served, best: dict[Served, NDArray[np.float64]]) -> bool:
    try:
        _time(triton, model, best)
    except SparseInstError as error:  # a rollout may be what mends it
        log.warning("the version in service does not answer, so no pace is held against it: %s", error.problem)
        return False
    return True
