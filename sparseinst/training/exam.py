"""Evaluation during training: each rank looks at its share of the val images, and can be told to stop meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.directory import annotations_path
from sparseinst.data.loading.image_files import open_images
from sparseinst.evaluation import pictures
from sparseinst.evaluation.analysis.precision_recall import PrecisionRecall, precision_recall
from sparseinst.evaluation.analysis.table import match_table
from sparseinst.evaluation.class_match import ClassMatch
from sparseinst.evaluation.coco.engine import MAX_DETS, accumulated
from sparseinst.evaluation.coco.numbers import NUMBERS, numbers
from sparseinst.evaluation.coco.prepared import prepare
from sparseinst.evaluation.looking import Looker, Seen, in_order
from sparseinst.evaluation.predictors.eager import EagerPredictor
from sparseinst.evaluation.selection import Selection
from sparseinst.evaluation.together import batches, share
from sparseinst.evaluation.truth import load_split
from sparseinst.training.checkpoint import Checkpoint
from sparseinst.training.ranks.group import Ranks

SPLIT = "val"
_BATCH = 4
_PICTURES = 4


@dataclass(frozen=True, slots=True)
class Marks:
    """What an evaluation gave.

    Attributes:
        numbers: The 12 COCO numbers; None for those that the split has no object for.
        curve: Precision and recall.
        pictures: Name and truth beside prediction, uint8 RGB [h, w, 3], of a few images.
    """

    numbers: dict[str, float | None]
    curve: PrecisionRecall
    pictures: list[tuple[str, NDArray[np.uint8]]]

    @property
    def ap(self) -> float:
        """AP; -1 where the split has no object."""
        ap = self.numbers["AP"]
        return -1.0 if ap is None else ap


class Exam:
    """The val split of a dataset directory, in the memory of every rank, and how a model does on it."""

    def __init__(self, data: Path, ranks: Ranks) -> None:
        """Reads the split.

        Raises:
            DatasetError: It is not sound.
        """
        self._truth, self._files, self._ranks = load_split(data, SPLIT), open_images(data), ranks
        self._drawn = sorted(pictures.chosen(self._truth, _PICTURES))

    @staticmethod
    def is_possible(data: Path) -> bool:
        """Whether there is a val split."""
        return annotations_path(data, SPLIT).is_file()

    def take(self, model: Checkpoint, stop: Callable[[], bool], beat: Callable[[], None]) -> Marks | None:
        """Measures a model; all ranks call it with the same weights, and all get the numbers.

        Args:
            model: Its weights and configuration.
            stop: Asked between batches, on every rank: whether to give up.
            beat: Called between batches: the run lives.

        Returns:
            The marks; None where any rank was told to stop.
        """
        ranks, all_batches = self._ranks, batches(in_order(self._truth), _BATCH)
        mine = share(all_batches, ranks)
        rounds = ceil(len(all_batches) / ranks.world_size)  # the same number on every rank
        seen = Seen()
        with EagerPredictor(model) as predictor:
            match = ClassMatch(predictor.categories, self._truth.categories, "the model in training")
            looker = Looker(predictor, self._truth, self._files, match, Selection())
            for number in range(rounds):
                beat()
                if ranks.any(stop()):
                    return None
                if number < len(mine):
                    looker.look(mine[number], seen)
        return self._mark(ranks.gather(seen.results))

    def _mark(self, parts: Sequence[list[dict[str, Any]]]) -> Marks:
        """From what the ranks found; computed by rank 0 alone, so that the numbers are the same everywhere."""
        marks = None
        if self._ranks.is_main:
            results = [result for part in parts for result in part]
            prepared = prepare(self._truth.coco, results)
            values = numbers(accumulated(prepared), prepared)
            curve = precision_recall(match_table(prepared, MAX_DETS[-1]))
            drawn = pictures.draw_pictures(self._truth, self._files, results, self._drawn)
            marks = Marks({name: values[name] for name in NUMBERS}, curve, drawn)
        given: Marks = self._ranks.from_main(marks)
        return given
