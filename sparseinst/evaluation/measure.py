"""From results to everything that is known about them: the content of metrics.json, and which detection found what."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparseinst.evaluation.analysis.analyse import analyse
from sparseinst.evaluation.analysis.confusion import confusion
from sparseinst.evaluation.analysis.table import MatchTable, match_table
from sparseinst.evaluation.analysis.tags import read_tags
from sparseinst.evaluation.coco.engine import MAX_DETS, EngineName, accumulated, engine_version
from sparseinst.evaluation.coco.numbers import numbers
from sparseinst.evaluation.coco.prepared import prepare
from sparseinst.evaluation.notes import notes
from sparseinst.evaluation.truth import Truth

SCHEMA = "sparseinst.metrics/2"

_UNDECIDED = 0.5  # the least score of what counts as found, where nothing tells a better one


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting:
    """How detections are counted.

    Attributes:
        max_dets: How many detections of an image and a class count, ascending; COCO's own by default.
        engine: Which program compares the masks.
        tags: A file with tags of images, for slices of one's own; see `read_tags`.
    """

    max_dets: tuple[int, int, int] = MAX_DETS
    engine: EngineName = "hotcoco"
    tags: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """`metrics` is what docs/metrics.md describes, without what only a model has; `seconds` by stage."""

    metrics: dict[str, Any]
    table: MatchTable
    seconds: dict[str, float]


def measure(truth: Truth, results: Sequence[Mapping[str, Any]], counting: Counting) -> Measured:
    """Compares results with the truth, and finds out what lies behind the numbers.

    Raises:
        EvaluationError: The file of tags is wrong.
    """
    begin = time.perf_counter()
    tags = read_tags(counting.tags, truth.images) if counting.tags else None
    prepared = prepare(truth.coco, results)
    scores = numbers(accumulated(prepared, counting.max_dets, counting.engine), prepared)
    scored = time.perf_counter()
    table = match_table(prepared, counting.max_dets[-1], counting.engine, truth.id)
    behind = analyse(table, prepared, tags)
    least = behind["best"]["score"] if behind["best"] else _UNDECIDED
    classes = {name: {**scores["per_class"][name], **more} for name, more in behind.pop("per_class").items()}
    metrics = {
        "schema": SCHEMA,
        **scores,
        **behind,
        "per_class": classes,
        "confusion": confusion(table, prepared, least),
        **truth.counts(),
        "detections": len(results),
        "max_dets": list(counting.max_dets),
        "engine": {"name": counting.engine, "version": engine_version(counting.engine)},
        "notes": list(notes(truth.coco, results, counting.max_dets)),
        "dataset": truth.id,
    }
    return Measured(metrics, table, {"score": scored - begin, "analyse": time.perf_counter() - scored})
