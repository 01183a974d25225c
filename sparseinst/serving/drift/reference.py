"""What the evaluation of a model found: the side that live traffic is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.bins import AREA_EDGES, LEAST_SCORE, SCORE_EDGES
from sparseinst.export.contract import fingerprint
from sparseinst.serving.drift.histogram import KINDS, Found

FIRST_SCORE_BIN = int(np.searchsorted(SCORE_EDGES, LEAST_SCORE))  # those before it are empty by definition

_EDGES = {"scores": SCORE_EDGES, "areas": AREA_EDGES}
_FIX = "Evaluate the model with this version of `sparseinst evaluate`, and give its folder with --evaluation."


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One model's evaluation.

    Attributes:
        name: The model's name in Triton.
        version: Its version there; "" where it is unknown.
        fingerprint: Hexadecimal, as in the front door's counters.
        categories: By the model's category id the place in the histogram of classes. Classes that the evaluation's
            data does not have come last.
        found: What the model found in the evaluation's pictures.
        effects: By kind the design effects of its histogram, descending; see `distribution`.
        variance: Of the numbers of objects in a picture.
    """

    name: str
    version: str
    fingerprint: str
    categories: Mapping[int, int]
    found: Found
    effects: Mapping[str, NDArray[np.float64]]
    variance: float


def read_reference(
    metrics: Mapping[str, Any], metadata: Mapping[str, Any], *, name: str, version: str, where: str
) -> Reference:
    """The reference in a metrics.json.

    Args:
        metrics: Its content.
        metadata: What the export wrote about the model.
        name: The model's name in Triton.
        version: Its version there, or "".
        where: The file, for errors.

    Raises:
        EvaluationError: It is of another model, or does not say what is needed.
    """
    _check_model(metrics, metadata, where)
    try:
        told = metrics["distribution"]
        counts = {what: _numbers(told[what]["counts"]) for what in KINDS}
        effects = {what: _numbers(told[what]["design_effects"]) for what in KINDS}
        pictures, variance = float(_numbers(told["counts"]["counts"]).sum()), float(told["counts"]["variance"])
        edges = {what: _numbers(told[what]["edges"]) for what in _EDGES}
        names = [str(class_name) for class_name in told["classes"]["names"]]
    except (KeyError, TypeError, ValueError) as error:
        raise EvaluationError(
            "The evaluation does not say what was found, or how it varies.",
            where=where,
            details=[f"in 'distribution': {error!r}"],
            fix=_FIX,
        ) from error
    sizes = {"classes": len(names), **{what: len(values) - 1 for what, values in _EDGES.items()}}
    is_ours = all(np.array_equal(edges[what], values) for what, values in _EDGES.items())
    if not is_ours or any(len(counts[what]) != size for what, size in sizes.items()):
        raise EvaluationError("The evaluation counted in other bins.", where=where, fix=_FIX)
    foreign = sorted({str(entry["name"]) for entry in metadata["categories"]} - set(names))
    place = {class_name: index for index, class_name in enumerate([*names, *foreign])}
    return Reference(
        name=name,
        version=version,
        fingerprint=fingerprint(metadata).hex(),
        categories={int(entry["id"]): place[str(entry["name"])] for entry in metadata["categories"]},
        found=Found(
            pictures,
            {
                "scores": counts["scores"][FIRST_SCORE_BIN:],
                "classes": np.append(counts["classes"], np.zeros(len(foreign))),
                "areas": counts["areas"],
            },
        ),
        effects=effects,
        variance=variance,
    )


def _check_model(metrics: Mapping[str, Any], metadata: Mapping[str, Any], where: str) -> None:
    model = metrics.get("model")
    measured = model.get("checkpoint_sha256") if isinstance(model, Mapping) else None
    served = metadata.get("checkpoint_sha256")
    if measured and served and measured != served:
        raise EvaluationError(
            "The evaluation is of another model than the one that is served.",
            where=where,
            details=[f"evaluated: checkpoint {measured[:16]}…", f"served:    checkpoint {served[:16]}…"],
            fix="Give the evaluation of the checkpoint that was exported.",
        )


def _numbers(values: Any) -> NDArray[np.float64]:
    """ValueError or TypeError for anything but finite numbers."""
    found = np.array(values, np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError("not a list of numbers")
    return found
