"""Everything that is counted from which detection found what, as the fields of docs/metrics.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sparseinst.evaluation.analysis.average_precision import WeightedAP
from sparseinst.evaluation.analysis.calibration import calibration
from sparseinst.evaluation.analysis.costly import costly_images
from sparseinst.evaluation.analysis.distribution import found_distribution
from sparseinst.evaluation.analysis.errors import error_kinds
from sparseinst.evaluation.analysis.slices import slices, worst_slice
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.analysis.thresholds import best_of_each_class, best_threshold, curves
from sparseinst.evaluation.coco.prepared import Prepared


def analyse(table: MatchTable, prepared: Prepared, tags: Mapping[str, Sequence[int]] | None = None) -> dict[str, Any]:
    """What lies behind the 12 numbers.

    Args:
        table: Of `prepared`, by `match_table`.
        tags: Image ids by tag, from `read_tags`.

    Returns:
        "best", "curves", "slices", "worst_slice", "errors", "calibration", "costly_images" and "distribution" as
        docs/metrics.md describes them, and "per_class" with the fields "detections" and "best" of each class, which
        join those that `numbers` gives.
    """
    weighted = WeightedAP(table)
    best, of_classes = best_threshold(table), best_of_each_class(table)
    parts = slices(weighted, tags or {})
    counts = np.bincount(table.category, minlength=len(table.category_ids)).tolist()
    return {
        "per_class": {
            name: {"detections": count, "best": own}
            for name, count, own in zip(table.category_names.tolist(), counts, of_classes, strict=True)
        },
        "best": best,
        "curves": curves(table),
        "slices": parts,
        "worst_slice": worst_slice(parts, len(table.image_ids)),
        "errors": error_kinds(table, prepared),
        "calibration": calibration(table),
        "costly_images": costly_images(weighted, _file_names(table, prepared), best, of_classes),
        "distribution": found_distribution(prepared),
    }


def _file_names(table: MatchTable, prepared: Prepared) -> list[str]:
    """By the images' places in the table."""
    names = {int(image["id"]): str(image.get("file_name", "")) for image in prepared.images}
    return [names[image_id] for image_id in table.image_ids.tolist()]
