"""Counters put into the bins of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sparseinst.serving.drift.exposition import Series
from sparseinst.serving.drift.histogram import Found
from sparseinst.serving.drift.reference import FIRST_SCORE_BIN, Reference


def live(counts: Mapping[Series, float], reference: Reference) -> Found:
    """What the reference's model found, by the counters of the front door.

    Pictures and objects count wherever this model answered: in service, as a canary, or in the shadow of another.
    """
    found = {what: np.zeros(len(values)) for what, values in reference.found.counts.items()}
    pictures = 0.0
    for series, value in counts.items():
        if (series.label("model"), series.label("fingerprint")) != (reference.name, reference.fingerprint):
            continue
        if series.name == "sparseinst_requests_total":
            pictures += value if series.label("outcome") == "ok" else 0
        elif series.name == "sparseinst_scores_total":
            _count(found["scores"], _bin(series, "bin") - FIRST_SCORE_BIN, value)
        elif series.name == "sparseinst_areas_total":
            _count(found["areas"], _bin(series, "bin"), value)
        elif series.name == "sparseinst_classes_total":
            _count(found["classes"], reference.categories.get(_bin(series, "category"), -1), value)
    return Found(pictures, found)


def others(counts: Mapping[Series, float], reference: Reference) -> list[str]:
    """The fingerprints of other models that the same front door had answers from."""
    answered = {
        series.label("fingerprint")
        for series, value in counts.items()
        if series.name == "sparseinst_requests_total" and series.label("model") == reference.name and value
    }
    return sorted(answered - {reference.fingerprint, ""})


def _bin(series: Series, label: str) -> int:
    text = series.label(label)
    return int(text) if text.isdecimal() else -1


def _count(histogram: NDArray[np.float64], place: int, value: float) -> None:
    if 0 <= place < len(histogram):
        histogram[place] += value
