"""The same detection twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sparseinst.data.checks.local import Local
from sparseinst.evaluation.detections.entry import Result


def repeated(results: Sequence[Result]) -> Iterator[tuple[int, Local]]:
    """The place of each result that is there before, of the same image, class, score and mask, and a finding."""
    hashes = np.fromiter(map(_hash, results), np.int64, len(results))
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]]) + 1
    first: dict[int, int] = {}
    for place in same.tolist():
        later, before = int(order[place]), int(order[place - 1])
        first[later] = first.get(before, before)
    for later in sorted(first):
        if _key(results[later]) == _key(results[first[later]]):
            problem = f"the detection is the same as number {first[later]}: of the two only one can be right"
            yield later, Local("DET-TWICE", "", problem, "Write each detection once")


def _key(result: Result) -> tuple[int, int, float, str]:
    return result["image_id"], result["category_id"], result["score"], result["segmentation"]["counts"]


def _hash(result: Result) -> int:
    return hash(_key(result))
