"""A model's classes in the terms of the data it is measured on: the names must meet, the ids need not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.errors import EvaluationError
from sparseinst.evaluation.instances import Instances
from sparseinst.log import get_logger

log = get_logger("evaluate")

_MOST_NAMED = 8


class ClassMatch:
    """Translates a model's class indices to those of the data's categories, by name.

    Raises:
        EvaluationError: No name is common to both: every number would be 0.
    """

    def __init__(self, model: Sequence[Category], data: Sequence[Category], where: str) -> None:
        index_of = {category.name: index for index, category in enumerate(data)}
        self._index = np.array([index_of.get(category.name, -1) for category in model], np.int64)
        known = {category.name for category in model}
        if known.isdisjoint(index_of):
            raise EvaluationError(
                "The model knows none of the data's classes.",
                where=where,
                details=[f"model: {_names(model)}", f"data:  {_names(data)}"],
                fix="Use a model that was trained on these classes, or other data.",
            )
        unknown = [category for category in data if category.name not in known]
        if unknown:
            log.warning("the model does not know, and so cannot find: %s", _names(unknown))
        foreign = [category for category in model if category.name not in index_of]
        if foreign:
            log.warning("not in this data, and so not counted: %s", _names(foreign))

    def translate(self, found: Instances) -> Instances:
        """The same with the data's class indices; instances of other classes are left out."""
        classes = self._index[found.classes]
        kept = np.flatnonzero(classes >= 0)
        if len(kept) == len(classes):
            return Instances(found.scores, classes, found.masks)
        return Instances(found.scores[kept], classes[kept], found.masks[kept])


def _names(categories: Sequence[Category]) -> str:
    names = ", ".join(category.name for category in categories[:_MOST_NAMED])
    return names + (f" and {len(categories) - _MOST_NAMED} more" if len(categories) > _MOST_NAMED else "")
