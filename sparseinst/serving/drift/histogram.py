"""Objects counted in bins, as both sides of a comparison have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = ("scores", "classes", "areas")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a model found in some pictures.

    Attributes:
        pictures: How many it looked at.
        counts: By kind ("scores", "classes", "areas") the objects in each bin, float64 [k].
    """

    pictures: float
    counts: dict[str, NDArray[np.float64]]

    @property
    def objects(self) -> float:
        return float(self.counts["scores"].sum())

    @property
    def per_picture(self) -> float:
        return self.objects / self.pictures if self.pictures else 0.0
