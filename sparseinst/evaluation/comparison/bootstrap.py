"""The difference of two models' AP, and how far it may be chance: both on the same resamples of the images.

Source:
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993. Images are drawn again, not objects: those of one
    image rise and fall together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.average_precision import WeightedAP, mean_ap, mean_aps
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.comparison.interval import CONFIDENCE, interval

RESAMPLES = 1000
_FEWEST = 200
# Numbers that are gone through, both models and all resamples together: some 20 s. COCO's 5 000 images with 100
# detections each are 0.7 million numbers a model and resample.
_BUDGET = 1_000_000_000
_AT_A_TIME = 500_000  # detections, or 4 MB an array


def bootstrap(
    candidate: MatchTable, incumbent: MatchTable, resamples: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Compares the mean AP of two models, measured on the same data.

    Args:
        resamples: How often as many images are drawn with replacement. Default: 1000, and fewer (at least 200) where
            that would take longer than about 20 seconds.
        seed: The same seed gives the same result.

    Returns:
        "AP" and "AP50": {"candidate", "incumbent", "difference", "low", "high", "confidence", "resamples", "p_worse"},
        with a 95 % interval of the difference; "per_class": name to {"candidate", "incumbent", "difference", "low",
        "high", "instances"}, for AP. A number is None where there is no object, and "low" and "high" are where too
        few images have one.

    Raises:
        EvaluationError: The two were not measured on the same data.
    """
    _check_same_data(candidate, incumbent)
    both = (WeightedAP(candidate), WeightedAP(incumbent))
    number = resamples or _affordable(both)
    ones = np.ones((1, len(candidate.image_ids)))
    ours, theirs = (weighted(ones)[0] for weighted in both)
    draws = _differences(both, number, np.random.default_rng(seed))
    objects = object_counts(candidate)
    facts = {"confidence": CONFIDENCE, "resamples": number}
    everything = objects.sum(axis=1)
    return {
        "AP": {**facts, **_compared(mean_ap(ours), mean_ap(theirs), draws[0], everything)},
        "AP50": {**facts, **_compared(mean_ap(ours[:, :1]), mean_ap(theirs[:, :1]), draws[1], everything)},
        "per_class": {
            name: {
                **_without_p(_compared(mean_ap(ours[[k]]), mean_ap(theirs[[k]]), draws[2][:, k], objects[:, k])),
                "instances": int(objects[:, k].sum()),
            }
            for k, name in enumerate(candidate.category_names.tolist())
        },
    }


def _check_same_data(candidate: MatchTable, incumbent: MatchTable) -> None:
    columns = ("image_ids", "category_ids", "category_names", "object_image", "object_category")
    alike = all(np.array_equal(getattr(candidate, name), getattr(incumbent, name)) for name in columns)
    if candidate.dataset != incumbent.dataset or not alike:
        raise EvaluationError(
            "The two were not measured on the same data.",
            details=[f"candidate: {candidate.dataset or 'unknown'}", f"incumbent: {incumbent.dataset or 'unknown'}"],
            fix="Evaluate both with the same annotation file.",
        )


def _affordable(both: tuple[WeightedAP, WeightedAP]) -> int:
    elements = max(sum(weighted.elements for weighted in both), 1)
    return min(RESAMPLES, max(_FEWEST, _BUDGET // elements))


def _differences(
    both: tuple[WeightedAP, WeightedAP], resamples: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of AP [B], of AP50 [B], and of each class's AP [B, K]."""
    parts = []
    for weights in resample(both, resamples, random):
        ours, theirs = (weighted(weights) for weighted in both)
        parts.append(
            (
                mean_aps(ours) - mean_aps(theirs),
                mean_aps(ours[:, :, :1]) - mean_aps(theirs[:, :, :1]),
                ours.mean(axis=2) - theirs.mean(axis=2),
            )
        )
    ap, ap50, classes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return ap, ap50, classes


def resample(
    both: tuple[WeightedAP, WeightedAP], resamples: int, random: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """How often each image is drawn: [b, I], as many resamples at a time as fit."""
    images = len(both[0].table.image_ids)
    step = max(1, _AT_A_TIME // max(*(len(weighted.table.image) for weighted in both), images, 1))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if images:
            yield random.multinomial(images, np.full(images, 1 / images), size=size).astype(np.float64)
        else:
            yield np.zeros((size, 0))


def object_counts(table: MatchTable) -> NDArray[np.float64]:
    """How many objects of each class an image has: [I, K]."""
    shape = (len(table.image_ids), len(table.category_ids))
    cells = table.object_image.astype(np.int64) * shape[1] + table.object_category
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _compared(
    ours: float | None, theirs: float | None, resampled: NDArray[np.float64], objects: NDArray[np.float64]
) -> dict[str, Any]:
    if ours is None or theirs is None:
        return dict.fromkeys(("candidate", "incumbent", "difference", "low", "high", "p_worse"))
    difference = ours - theirs
    return {
        "candidate": ours,
        "incumbent": theirs,
        "difference": difference,
        **interval(difference, resampled, objects),
    }


def _without_p(compared: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in compared.items() if name != "p_worse"}
