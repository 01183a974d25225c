"""COCO's AP where images count more or less than once: the ground of slices and of the bootstrap."""

from __future__ import annotations

import numpy as np

from sparseinst.evaluation.analysis.hits import Floats, Hits, Places, interpolated, running
from sparseinst.evaluation.analysis.table import IOU_THRESHOLDS, MatchTable

IOU_50 = 0


class WeightedAP:
    """AP of every class for any weights of the images. What does not depend on the weights is prepared once.

    A weight is how often an image counts: 0 leaves it out, 2 is the same as the image and a copy of it beside it
    (where no two of its detections of a class have the same score). Whole numbers are summed without rounding, and
    then every value is that of pycocotools within 1e-12.
    """

    def __init__(self, table: MatchTable) -> None:
        self.table = table
        self.levels = [Hits.of(table, place) for place in range(len(IOU_THRESHOLDS))]
        self._image: Places = table.image.astype(np.intp)
        by_class = np.argsort(table.object_category, kind="stable")
        self._object_image: Places = table.object_image[by_class].astype(np.intp)
        edges = np.arange(len(table.category_ids) + 1)
        self._edges: Places = np.searchsorted(table.object_category[by_class], edges)

    @property
    def elements(self) -> int:
        """How many numbers one evaluation goes through, for a choice of how many fit into memory."""
        return len(self._image) + sum(len(hits.rows) for hits in self.levels)

    def __call__(self, weights: Floats) -> Floats:
        """Evaluates B sets of weights at once: float64 [B, I] to [B, K, T]; NaN where a class has no object."""
        objects = self.objects(weights)
        rows = running(weights, self._image)
        values = np.zeros((*objects.shape, len(self.levels)))
        for place, hits in enumerate(self.levels):
            if len(hits.rows):
                true, counted = counts(hits, weights, rows)
                values[:, hits.category, place] = interpolated(hits, true, counted, objects[:, hits.category])
        values[objects == 0] = np.nan
        return values

    def objects(self, weights: Floats) -> Floats:
        """How many objects each class has: [B, I] to [B, K]."""
        sums = running(weights, self._object_image)
        return sums[:, self._edges[1:]] - sums[:, self._edges[:-1]]

    def running_rows(self, weights: Floats) -> Floats:
        """Sums of the weights over the detections in the table's order: [B, I] to [B, D + 1]."""
        return running(weights, self._image)


def counts(hits: Hits, weights: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """At each hit, how many hits of its class there are up to it, and how many detections that count: [B, H] each.

    Args:
        weights: [B, I].
        rows: What `running` gives for all rows of the table, [B, D + 1].
    """
    found = running(weights, hits.image)
    true = found[:, 1:] - np.take(found[:, hits.first], hits.segment, axis=1)
    counted = np.take(rows, hits.rows + 1, axis=1) - np.take(rows[:, hits.start], hits.segment, axis=1)
    if len(hits.ignored_image):
        ignored = running(weights, hits.ignored_image)
        counted -= np.take(ignored, hits.ignored_before, axis=1)
        counted += np.take(ignored[:, hits.ignored_start], hits.segment, axis=1)
    return true, counted


def average_precision(table: MatchTable, weights: Floats | None = None) -> Floats:
    """COCO's AP of each class at each IoU threshold.

    Args:
        weights: How often each image counts, float64 [I]; None is once each.

    Returns:
        float64 [K, T], in [0, 1]; NaN where the class has no object in an image that counts.
    """
    if weights is None:
        weights = np.ones(len(table.image_ids))
    values: Floats = WeightedAP(table)(np.asarray(weights, np.float64)[None])[0]
    return values


def mean_ap(values: Floats) -> float | None:
    """The mean over the classes that have objects, and the thresholds, of what `average_precision` gives.

    Returns:
        COCO's AP; of `values[:, :1]`, its AP50. None where no class has an object.
    """
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if measured.size else None


def mean_aps(values: Floats) -> Floats:
    """`mean_ap` of each of B sets: [B, K, T] to [B], NaN where no class has an object."""
    defined = ~np.isnan(values)
    total = np.where(defined, values, 0.0).sum(axis=(1, 2))
    count = defined.sum(axis=(1, 2))
    means: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means
