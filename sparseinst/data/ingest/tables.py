"""The splits of a dataset directory in columns, before it is written: what the report is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sparseinst.data.ingest.plan import FilePlan
from sparseinst.data.report.table import SplitTable
from sparseinst.data.sources.layout import SPLITS


def split_tables(plans: Sequence[FilePlan]) -> tuple[list[SplitTable], list[list[tuple[int, int]]]]:
    """The columns of each split as it is written, and of each of its images the (file, row) it came from."""
    tables, places = [], []
    for split, name in enumerate(SPLITS):
        parts = [_part(plan, split) for plan in plans]
        first = np.cumsum([0, *(len(part["names"]) for part in parts)])
        tables.append(
            SplitTable(
                name=name,
                heights=np.concatenate([part["heights"] for part in parts]),
                widths=np.concatenate([part["widths"] for part in parts]),
                file_names=[file for part in parts for file in part["names"]],
                image=np.concatenate([part["image"] + begin for part, begin in zip(parts, first, strict=False)]),
                category=np.concatenate([part["category"] for part in parts]),
                crowd=np.concatenate([part["crowd"] for part in parts]),
                area=np.concatenate([part["area"] for part in parts]).astype(np.float64),
                box=np.concatenate([part["box"] for part in parts]).astype(np.float64),
            )
        )
        places.append([(number, int(row)) for number, part in enumerate(parts) for row in part["rows"]])
    return tables, places


def _part(plan: FilePlan, split: int) -> dict[str, Any]:
    images, annotations = plan.file.checked.images, plan.file.checked.annotations
    rows = np.flatnonzero(plan.splits == split)
    new_row = np.full(len(plan.splits), -1, np.int64)
    new_row[rows] = np.arange(len(rows))
    kept = (plan.categories >= 0) & (new_row[annotations.images] >= 0)
    return {
        "rows": rows,
        "names": [plan.names[row] for row in rows.tolist()],
        "heights": images.heights[rows],
        "widths": images.widths[rows],
        "image": new_row[annotations.images[kept]],
        "category": plan.categories[kept],
        "crowd": annotations.crowds[kept],
        "area": annotations.areas[kept],
        "box": annotations.boxes[kept],
    }
