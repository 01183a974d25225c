"""What the front door counts, as counters of Triton's metrics endpoint.

The counters of all its processes add up: Triton keeps one for each name and set of labels, and keeps it when the front
door is loaded again. Bins are those of an evaluation's histograms.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.bins import AREA_EDGES, LEAST_SCORE, SCORE_EDGES, area_bins, score_bins
from sparseinst.export.contract import MASK_CODE_THRESHOLD, NO_INSTANCE, round_up
from sparseinst.serving.front_door.agreement import Agreement
from sparseinst.serving.front_door.asking import Reply
from sparseinst.serving.front_door.found import Found
from sparseinst.serving.front_door.routing import KnownModel

LEAST_COUNTED_SCORE = 0.05
PARTS = ("decode", "resize", "model", "masks")

_HELP = {
    "sparseinst_requests_total": "Requests by the model that was asked and how it ended",
    "sparseinst_seconds_total": "Seconds spent on answered requests, by part",
    "sparseinst_objects_total": "Objects in answers",
    "sparseinst_scores_total": "Objects with a score of at least 0.05, by score: bin b is from b / 20 on",
    "sparseinst_classes_total": "Objects with a score of at least 0.3, by category id",
    "sparseinst_areas_total": "Objects with a score of at least 0.3, by area in pixels: bin b is from 2 ** (b - 1) on",
    "sparseinst_agreement_total": "Objects of the model in service that the shadow found too or missed, and others",
}


class Arm(StrEnum):
    """Why a model was asked."""

    SERVICE = "service"
    CANARY = "canary"
    SHADOW = "shadow"


class Outcome(StrEnum):
    OK = "ok"
    CLIENT_ERROR = "client_error"
    FAILED = "failed"


class Counter(Protocol):
    def increment(self, value: float) -> None: ...


class Family(Protocol):
    def Metric(self, labels: Mapping[str, str]) -> Counter: ...


class Families(Protocol):
    def __call__(self, name: str, description: str) -> Family: ...


class Tally:
    """The counters of one front door. Not for several threads at once."""

    def __init__(self, model: str, families: Families) -> None:
        """Args:
        model: The name of the model in service, a label of every counter.
        families: Makes a family of counters.
        """
        self._model = model
        self._families = {name: families(name=name, description=text) for name, text in _HELP.items()}
        self._counters: dict[tuple[str, ...], Counter] = {}

    def prepare(self, arm: Arm, model: KnownModel) -> None:
        """Makes the counters of a model at 0: a rate needs the value before the first request."""
        mark = model.fingerprint.hex()
        self._add("requests", 0, mark, arm=arm, outcome=Outcome.OK)
        for outcome in (Outcome.CLIENT_ERROR, Outcome.FAILED):  # who would have answered is not known
            self._add("requests", 0, "", arm=arm, outcome=outcome)
        for part in PARTS:
            self._add("seconds", 0, mark, arm=arm, part=part)
        self._add("objects", 0, mark, arm=arm)
        for place in range(len(SCORE_EDGES) - 1):
            self._add("scores", 0, mark, bin=str(place))
        for category in model.categories:
            self._add("classes", 0, mark, category=str(category.id))
        for place in range(len(AREA_EDGES) - 1):
            self._add("areas", 0, mark, bin=str(place))
        if arm is Arm.SHADOW:
            self.compared(Agreement(0, 0, 0), model)

    def refused(self) -> None:
        """A request that no model was asked about, because it was wrong."""
        self._add("requests", 1, "", arm=Arm.SERVICE, outcome=Outcome.CLIENT_ERROR)

    def failed(self, arm: Arm) -> None:
        """A request that a model did not answer, or one that is not known."""
        self._add("requests", 1, "", arm=arm, outcome=Outcome.FAILED)

    def answered(
        self, arm: Arm, reply: Reply, found: Found, original: tuple[int, int], timing_s: Mapping[str, float]
    ) -> None:
        """Args:
        original: (height, width) of the picture.
        timing_s: Seconds by part; only PARTS are counted.
        """
        mark = reply.model.fingerprint.hex()
        self._add("requests", 1, mark, arm=arm, outcome=Outcome.OK)
        for part in PARTS:
            self._add("seconds", timing_s.get(part, 0.0), mark, arm=arm, part=part)
        self._add("objects", len(found.scores), mark, arm=arm)
        self._add_found(reply, found, original, mark)

    def compared(self, agreed: Agreement, shadow: KnownModel) -> None:
        mark = shadow.fingerprint.hex()
        for kind in ("same", "missed", "added"):
            self._add("agreement", getattr(agreed, kind), mark, kind=kind)

    def _add_found(self, reply: Reply, found: Found, original: tuple[int, int], mark: str) -> None:
        """Counts what the model found, whatever the client asked for: it can be compared with an evaluation."""
        scores, classes = reply.outputs["scores"][0], reply.outputs["classes"][0]
        filled = classes != NO_INSTANCE
        self._add_bins("scores", score_bins(scores[filled & (scores >= LEAST_COUNTED_SCORE)]), mark, "bin")
        sure = np.flatnonzero(filled & (scores >= LEAST_SCORE))
        ids = np.array([category.id for category in reply.model.categories], np.int64)
        self._add_bins("classes", ids[classes[sure]], mark, "category")
        self._add_bins("areas", area_bins(_areas(reply, found, sure, original)), mark, "bin")

    def _add_bins(self, what: str, values: NDArray[np.integer], mark: str, label: str) -> None:
        for value, count in zip(*np.unique(values, return_counts=True), strict=True):
            self._add(what, int(count), mark, **{label: str(value)})

    def _add(self, what: str, value: float, mark: str, **labels: str) -> None:
        name = f"sparseinst_{what}_total"
        key = (name, mark, *labels.values())
        if key not in self._counters:
            texts = {key: str(text) for key, text in labels.items()}
            self._counters[key] = self._families[name].Metric(
                labels={"model": self._model, "fingerprint": mark, **texts}
            )
        if value:
            self._counters[key].increment(value)


def _areas(reply: Reply, found: Found, slots: NDArray[np.intp], original: tuple[int, int]) -> NDArray[np.float64]:
    """Areas in the original picture's pixels: those of the answer, and for the rest what the mask grid says."""
    grids = reply.outputs["masks"][0]
    # Of the grid, only what lies over the picture and not over its padding.
    rows, columns = (
        -(-side * cells // round_up(side)) for side, cells in zip(reply.sent, grids.shape[1:], strict=True)
    )
    cell = original[0] * original[1] / (rows * columns)
    exact = dict(zip(found.slots.tolist(), found.areas.tolist(), strict=True))
    return np.array(
        [
            exact[slot] if slot in exact else cell * int((grids[slot, :rows, :columns] > MASK_CODE_THRESHOLD).sum())
            for slot in slots.tolist()
        ],
        np.float64,
    )
