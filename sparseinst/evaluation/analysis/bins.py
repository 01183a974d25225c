"""The bins that what is found is counted in: the same in an evaluation's metrics.json and in the front door's counters.

It imports only numpy: the front door runs where Triton runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_SCORE = 0.3  # what is less certain is not counted, whatever a client asks for
SCORE_EDGES = np.round(np.linspace(0, 1, 21), 2)
AREA_EDGES = np.append(0.0, 2.0 ** np.arange(25))  # pixels; the last is a picture of 4096 x 4096
COUNT_STARTS = (0, 1, 2, 3, 6, 11, 21, 51)  # detections in an image
COUNT_NAMES = ("0", "1", "2", "3-5", "6-10", "11-20", "21-50", "51+")


def score_bins(scores: ArrayLike) -> NDArray[np.intp]:
    """Which of the 20 bins between SCORE_EDGES each score is in, [n]."""
    return bins(scores, SCORE_EDGES[:-1])


def area_bins(areas: ArrayLike) -> NDArray[np.intp]:
    """Which of the 25 bins between AREA_EDGES each area is in, [n]; larger ones are in the last."""
    return bins(areas, AREA_EDGES[:-1])


def bins(values: ArrayLike, starts: ArrayLike) -> NDArray[np.intp]:
    """In which of the bins that begin there each value is; those before the first are in the first."""
    places: NDArray[Any] = np.searchsorted(np.asarray(starts), np.asarray(values), side="right")
    return np.maximum(places - 1, 0)
