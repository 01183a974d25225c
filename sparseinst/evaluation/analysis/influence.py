"""A first approximation of what AP would gain from each image, for all images at once.

The precision at a hit is tp / n, with n detections so far. One false detection less before it adds about tp / n^2, one
hit more before all others adds 1 for itself and about (n - tp) / n^2 at each of the others. AP is the sum of these
precisions over the number of objects, but for the interpolation, which is left out here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import WeightedAP, counts
from sparseinst.evaluation.analysis.hits import Floats, Hits, Places, summed
from sparseinst.evaluation.analysis.table import MatchTable


def gains(weighted: WeightedAP) -> Floats:
    """About how much AP would gain if all in an image were right: float64 [I]; 0 where no class has an object."""
    table = weighted.table
    ones = np.ones((1, len(table.image_ids)))
    rows, objects = weighted.running_rows(ones), weighted.objects(ones)[0]
    total = np.zeros(len(table.image_ids))
    for place, hits in enumerate(weighted.levels):
        true, counted = (column[0] for column in counts(hits, ones, rows))
        share = 1 / objects[hits.category][hits.segment]
        total += _by_false(table, hits, place, share * true / counted**2)
        total += _by_missed(table, hits, place, share * (counted - true) / counted**2, objects)
    return total / max(len(weighted.levels) * int((objects > 0).sum()), 1)


def _by_false(table: MatchTable, hits: Hits, place: int, slope: Floats) -> Floats:
    false = np.flatnonzero(~table.hits[:, place] & ~table.ignored[:, place])
    after, kept = hits_after(table, hits, false)
    # The sum of the slopes from a hit to the last one of its class.
    sums = np.append(np.cumsum(slope[::-1])[::-1], 0.0)
    beyond = sums[np.append(hits.first[1:], len(hits.rows))][hits.segment]
    gained = sums[:-1] - beyond
    return summed(table.image[false[kept]], gained[after[kept]], len(table.image_ids))


def hits_after(table: MatchTable, hits: Hits, rows: Places) -> tuple[Places, NDArray[np.bool_]]:
    """The first hit after each row [n], and whether it is of the row's class [n]."""
    after = np.searchsorted(hits.rows, rows)
    kept = after < len(hits.rows)
    kept[kept] = table.category[hits.rows[after[kept]]] == table.category[rows[kept]]
    return after, kept


def _by_missed(table: MatchTable, hits: Hits, place: int, slope: Floats, objects: Floats) -> Floats:
    others = np.zeros(len(objects))
    if len(hits.rows):
        others[hits.category] = np.add.reduceat(slope, hits.first)
    gained = others + 1 / np.maximum(objects, 1)
    missed = ~table.object_found[:, place]
    return summed(table.object_image[missed], gained[table.object_category[missed]], len(table.image_ids))
