"""How long a model takes for one image alone: what someone who asks it in real time waits for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.predictors.predictor import Predictor

SAMPLES = 64
_BUDGET_S = 8.0
_WARM_UP = 2
_PERCENTILES = (50, 90, 99)


def latency(predictor: Predictor, images: Sequence[NDArray[np.uint8]], budget_s: float = _BUDGET_S) -> dict[str, Any]:
    """Asks for one image after the other, from pixels to masks of the image's size, each image at most once.

    Args:
        images: uint8 RGB [H, W, 3], at least one.
        budget_s: Ends sooner where the model is slow, but not before the first image.

    Returns:
        Milliseconds "p50", "p90" and "p99", and "samples", how many images they are of: with fewer than 100, the 99th
        percentile is little else than the slowest.
    """
    for _ in range(_WARM_UP):
        predictor.predict([images[0]])
    samples: list[float] = []
    end = time.perf_counter() + budget_s
    for pixels in images:
        begin = time.perf_counter()
        predictor.predict([pixels])
        samples.append(1000 * (time.perf_counter() - begin))
        if time.perf_counter() > end:
            break
    values = np.percentile(samples, _PERCENTILES)
    named = {f"p{part}": round(float(value), 2) for part, value in zip(_PERCENTILES, values, strict=True)}
    return {**named, "samples": len(samples)}
