"""Two evaluations against each other: the content of comparison.json, as docs/comparison.md describes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.table import MATCHES, MatchTable
from sparseinst.evaluation.coco.numbers import NUMBERS
from sparseinst.evaluation.comparison.before import unlike
from sparseinst.evaluation.comparison.bootstrap import bootstrap
from sparseinst.evaluation.finished import Evaluation, read_evaluation

SCHEMA = "sparseinst.comparison/1"


def compare(candidate: Path, incumbent: Path, resamples: int | None = None, seed: int = 0) -> dict[str, Any]:
    """Compares two evaluations of the same data.

    Args:
        candidate: A folder with metrics.json and matches.npz, or the metrics.json in it.
        incumbent: The same, of the model that is to be replaced.
        resamples: As in `bootstrap`; so is `seed`.

    Raises:
        EvaluationError: A file is missing or wrong, or the two were measured on other data, or counted otherwise.
    """
    ours, theirs = read_evaluation(candidate), read_evaluation(incumbent)
    _check_alike(ours, theirs)
    tables = (_matches(ours), _matches(theirs))
    return {
        "schema": SCHEMA,
        "dataset": tables[0].dataset,
        "images": len(tables[0].image_ids),
        "candidate": ours.metrics.get("model"),
        "incumbent": theirs.metrics.get("model"),
        "seed": seed,
        **bootstrap(*tables, resamples, seed),
        "metrics": {name: _difference(ours.metrics.get(name), theirs.metrics.get(name)) for name in NUMBERS},
        "slices": _slices(ours.metrics, theirs.metrics),
    }


def _check_alike(ours: Evaluation, theirs: Evaluation) -> None:
    found = unlike(ours.metrics, theirs.metrics)
    if found:
        raise EvaluationError(
            "The two were not measured alike, so their difference says nothing.",
            where=f"{ours.path}, {theirs.path}",
            details=found,
            fix="Evaluate both with the same annotation file and the same --max-dets.",
        )


def _matches(evaluation: Evaluation) -> MatchTable:
    table = MatchTable.load(evaluation.path.with_name(MATCHES))
    if table.dataset != evaluation.metrics.get("dataset"):
        raise EvaluationError(
            f"{MATCHES} is of other data than the metrics beside it.",
            where=str(evaluation.path),
            fix="Run `sparseinst evaluate` again.",
        )
    return table


def _difference(ours: Any, theirs: Any) -> dict[str, Any]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (ours, theirs))
    return {"candidate": ours, "incumbent": theirs, "difference": ours - theirs if numbers else None}


def _slices(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that both have, of the same images as far as their counts tell: tags may have changed."""
    before = {_key(part): part for part in _parts(theirs)}
    return [
        {
            "by": part["by"],
            "name": part["name"],
            **_difference(part.get("AP"), before[_key(part)].get("AP")),
            "images": part.get("images"),
            "instances": part.get("instances"),
        }
        for part in _parts(ours)
        if _key(part) in before
    ]


def _parts(metrics: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = metrics.get("slices")
    return [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []


def _key(part: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(part.get(name)) for name in ("by", "name", "images", "instances"))
