"""What is found, as histograms: what a served model finds can be held against what it found when it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hotcoco.mask
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sparseinst.evaluation.analysis.bins import (
    AREA_EDGES,
    COUNT_NAMES,
    COUNT_STARTS,
    LEAST_SCORE,
    SCORE_EDGES,
    area_bins,
    bins,
    score_bins,
)
from sparseinst.evaluation.coco.prepared import Prepared

_LEAST_IMAGES = 5  # that a bin needs before something can be said about how it varies
_MOST_EFFECTS = 100


@dataclass(frozen=True, slots=True, eq=False)
class FoundColumns:
    """Detections in some images, [n] each.

    Attributes:
        scores: float64.
        areas: Pixels, float64.
        classes: Places in the list of classes, int64.
        images: Places among the images, int64.
    """

    scores: NDArray[np.float64]
    areas: NDArray[np.float64]
    classes: NDArray[np.int64]
    images: NDArray[np.int64]


def distribution(found: FoundColumns, class_names: Sequence[str], images: int) -> dict[str, Any]:
    """Histograms of the detections with a score of at least 0.3.

    Args:
        images: How many images were looked at.

    Returns:
        "scores" and "areas" (pixels) as {"edges", "counts", "design_effects"}, with what lies beyond the last edge in
        the last bin; "classes" as {"names", "counts", "design_effects"}; "counts" (detections in an image) as
        {"names", "counts", "mean", "variance"}.
    """
    kept = found.scores >= LEAST_SCORE
    owners = found.images[kept]
    each = np.bincount(owners, minlength=images)
    counts = np.bincount(bins(each, COUNT_STARTS), minlength=len(COUNT_NAMES))

    def histogram(places: NDArray[np.intp], size: int) -> dict[str, list[float]]:
        return {
            "counts": np.bincount(places, minlength=size).tolist(),
            "design_effects": design_effects(places, owners, size, images).round(4).tolist(),
        }

    return {
        "scores": {
            "edges": SCORE_EDGES.tolist(),
            **histogram(score_bins(found.scores[kept]), len(SCORE_EDGES) - 1),
        },
        "areas": {"edges": AREA_EDGES.tolist(), **histogram(area_bins(found.areas[kept]), len(AREA_EDGES) - 1)},
        "classes": {"names": list(class_names), **histogram(found.classes[kept], len(class_names))},
        "counts": {
            "names": list(COUNT_NAMES),
            "counts": counts.tolist(),
            "mean": float(each.mean()) if images else 0.0,
            "variance": float(each.var(ddof=1)) if images > 1 else 0.0,
        },
    }


def design_effects(places: NDArray[np.intp], owners: NDArray[np.int64], size: int, images: int) -> NDArray[np.float64]:
    """How many times more a histogram varies from sample to sample than if every detection were drawn by itself.

    Detections come by images, and those of one image are alike. How much varies by direction: these are the
    eigenvalues of the covariance of the bins' shares, relative to that of a multinomial sample.

    Args:
        places: The bin of each detection, [n].
        owners: The image of each detection, [n].
        size: How many bins there are.
        images: How many images were looked at.

    Returns:
        At most 100, descending, one fewer than there are bins. Bins that few images have count as one.

    Source:
        Rao and Scott, "The Analysis of Categorical Data from Complex Sample Surveys", 1981: generalized design
        effects; the covariance of ratios by linearisation: Cochran, "Sampling Techniques", 3rd ed., 1977, section 6.
    """
    table = csr_matrix((np.ones(len(places)), (owners, places)), shape=(images, size))  # sums what falls together
    places_of = _common(np.asarray((table > 0).sum(0)).ravel())
    table = table @ csr_matrix(
        (np.ones(size), (np.arange(size), places_of)), shape=(size, places_of.max(initial=0) + 1)
    )
    shares = np.asarray(table.sum(0)).ravel() / max(1, len(places))
    if images < 2 or (shares > 0).sum() < 2:
        return np.ones(0)
    each = np.asarray(table.sum(1)).ravel()
    crossed = np.outer(shares, table.T @ each)
    spread = (table.T @ table).toarray() - crossed - crossed.T + (each @ each) * np.outer(shares, shares)
    scale = np.sqrt(np.where(shares > 0, shares, 1))
    effects = np.linalg.eigvalsh(spread / np.outer(scale, scale)) * images / (images - 1) / len(places)
    return effects[::-1][: (shares > 0).sum() - 1][:_MOST_EFFECTS]


def _common(images: NDArray[np.int64]) -> NDArray[np.intp]:
    """The new place of each bin, where those that fewer than five images have become the first one."""
    is_common = images >= _LEAST_IMAGES
    return np.where(is_common, np.cumsum(is_common) - is_common.all(), 0)


def found_distribution(prepared: Prepared) -> dict[str, Any]:
    """The same of an evaluation's results; areas are the masks'."""
    kept = [entry for entry in prepared.found if entry["score"] >= LEAST_SCORE]
    image_ids, category_ids = prepared.image_ids, prepared.category_ids
    names = {int(category["id"]): str(category["name"]) for category in prepared.categories}
    areas: Any = (
        hotcoco.mask.area([entry["segmentation"] for entry in kept]) if kept else []
    )  # pycocotools' fails above 255
    columns = FoundColumns(
        scores=np.array([entry["score"] for entry in kept], np.float64),
        areas=np.asarray(areas, np.float64),
        classes=np.searchsorted(category_ids, np.array([entry["category_id"] for entry in kept], np.int64)),
        images=np.searchsorted(image_ids, np.array([entry["image_id"] for entry in kept], np.int64)),
    )
    return distribution(columns, [names[category_id] for category_id in category_ids], len(image_ids))
