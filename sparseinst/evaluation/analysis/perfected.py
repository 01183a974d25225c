"""AP if everything in one image were right, for some images, exactly."""

from __future__ import annotations

import numpy as np

from sparseinst.evaluation.analysis.average_precision import WeightedAP, counts, mean_aps
from sparseinst.evaluation.analysis.hits import RECALLS, Floats, Hits, Places, interpolated, reached_ahead
from sparseinst.evaluation.analysis.influence import hits_after
from sparseinst.evaluation.analysis.table import MatchTable

_AT_A_TIME = 1_000_000  # numbers in an array: 8 MB


def perfected(weighted: WeightedAP, images: Places) -> Floats:
    """How much higher AP is with one of the images [n] made right, and all others as they are: float64 [n].

    At every IoU threshold by itself, the image's false detections are dropped, and each of its missed objects is found
    by a detection that stands before all others of its class. 0 where no class has an object.
    """
    if not len(images) or not len(weighted.table.object_image):
        return np.zeros(len(images))
    ones = np.ones((1, len(weighted.table.image_ids)))
    before = mean_aps(weighted(ones))[0]
    step = max(1, _AT_A_TIME // max(*(len(hits.rows) for hits in weighted.levels), 1))
    parts = [_perfected(weighted, images[start : start + step]) for start in range(0, len(images), step)]
    gained: Floats = np.concatenate(parts) - before
    return gained


def _perfected(weighted: WeightedAP, images: Places) -> Floats:
    """AP, [n]."""
    table = weighted.table
    ones = np.ones((1, len(table.image_ids)))
    rows, objects = weighted.running_rows(ones), weighted.objects(ones)
    chosen = np.full(len(table.image_ids), -1)  # each image's place in `images`
    chosen[images] = np.arange(len(images))
    values = np.zeros((len(images), len(table.category_ids), len(weighted.levels)))
    for place, hits in enumerate(weighted.levels):
        ahead = _missed(table, place, chosen, len(images))
        values[:, :, place] = reached_ahead(ahead, objects) / len(RECALLS)
        if len(hits.rows):
            own = ahead[:, hits.category]
            true, counted = counts(hits, ones, rows)
            more = own[:, hits.segment]
            dropped = _false_before(table, hits, place, chosen, len(images))
            values[:, hits.category, place] = interpolated(
                hits, true + more, counted + more - dropped, np.repeat(objects[:, hits.category], len(images), 0), own
            )
    values[:, objects[0] == 0] = np.nan
    return mean_aps(values)


def _missed(table: MatchTable, place: int, chosen: Places, images: int) -> Floats:
    """How many objects of each class are missed in each image: [n, K]."""
    classes = len(table.category_ids)
    objects = np.flatnonzero(~table.object_found[:, place] & (chosen[table.object_image] >= 0))
    cells = chosen[table.object_image[objects]] * classes + table.object_category[objects]
    return np.bincount(cells, minlength=images * classes).reshape(images, classes).astype(np.float64)


def _false_before(table: MatchTable, hits: Hits, place: int, chosen: Places, images: int) -> Floats:
    """How many false detections of each image stand before each hit, of its class: [n, H]."""
    false = np.flatnonzero(~table.hits[:, place] & ~table.ignored[:, place] & (chosen[table.image] >= 0))
    after, kept = hits_after(table, hits, false)
    width = len(hits.rows)
    cells = chosen[table.image[false[kept]]] * width + after[kept]
    added = np.bincount(cells, minlength=images * width).reshape(images, width).astype(np.float64)
    sums = np.cumsum(added, axis=1)
    earlier = sums[:, hits.first] - added[:, hits.first]
    return sums - earlier[:, hits.segment]
