"""How often the bootstrap's 95 % interval holds the true difference of two models' AP: it should be 95 times in 100.

Run: python -m benchmarks.bootstrap_coverage [--repetitions 400] [--images 50 100 200 500] [--resamples 300]
    [--json FILE]

Two models are drawn (benchmarks/drawn_matches.py) on new images again and again, and compared. The truth is their
difference on 240 000 images of the same kind. Beside the interval that `bootstrap` gives stand the usual ones of the
same resamples: percentile, basic, BCa (with a jackknife over the images) and normal. With 400 repetitions, the figures
of an interval that holds what it promises scatter from 0.93 to 0.97.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks.drawn_matches import Model, World, draw_pair
from sparseinst.evaluation.analysis.average_precision import WeightedAP, mean_aps
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.evaluation.comparison.bootstrap import object_counts, resample
from sparseinst.evaluation.comparison.interval import interval

_TRUTH_IMAGES, _TRUTH_DRAWS = 60_000, 4
_TRUTH_SEED, _DRAW_SEED = 10**9, 10**6
_JACKKNIFE_UP_TO = 100  # images: BCa's cost grows with their square
CASES = {
    "alike": (World(), (Model(0.15), Model(0.0))),
    "far apart": (World(classes=6), (Model(0.6, false=5), Model(0.0, false=8))),
    "crowded": (World(classes=2, objects=12, crowding=0.5), (Model(0.1, false=5), Model(0.0, false=8))),
}
Ends = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--images", type=int, nargs="+", default=[50, 100, 200, 500])
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, Any] = {"repetitions": options.repetitions, "resamples": options.resamples, "cases": {}}
    for name in options.cases:
        truth = true_difference(name)
        figures["cases"][name] = {"truth": truth, "images": {}}
        for images in options.images:
            measured = coverage(name, truth, images, options.repetitions, options.resamples)
            figures["cases"][name]["images"][str(images)] = measured
            shares = ", ".join(f"{method} {share:.3f}" for method, share in measured["coverage"].items())
            print(
                f"{name}, {images} images (difference {truth:.4f}, width {measured['width']:.4f}): {shares}", flush=True
            )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def true_difference(case: str) -> float:
    """Of AP, on as many images as chance has no say in."""
    world, models = CASES[case]
    found = []
    for place in range(_TRUTH_DRAWS):
        ours, theirs = draw_pair(world, models, _TRUTH_IMAGES, _TRUTH_SEED + place)
        found.append(_difference(WeightedAP(ours), WeightedAP(theirs), np.ones((1, _TRUTH_IMAGES)))[0])
    return float(np.mean(found))


def coverage(case: str, truth: float, images: int, repetitions: int, resamples: int) -> dict[str, Any]:
    """The share of intervals of each kind that hold the truth, and the mean width of ours."""
    world, models = CASES[case]
    held: dict[str, list[bool]] = {}
    widths = []
    for repetition in range(repetitions):
        tables = draw_pair(world, models, images, repetition)
        ends = _intervals(tables, resamples, _DRAW_SEED + repetition)
        widths.append(ends["ours"][1] - ends["ours"][0])
        for method, (low, high) in ends.items():
            held.setdefault(method, []).append(low <= truth <= high)
    shares = {method: float(np.mean(values)) for method, values in held.items()}
    return {"coverage": shares, "width": float(np.mean(widths))}


def _intervals(tables: tuple[MatchTable, MatchTable], resamples: int, seed: int) -> dict[str, Ends]:
    ours, theirs = both = (WeightedAP(tables[0]), WeightedAP(tables[1]))
    images = len(tables[0].image_ids)
    point = float(_difference(ours, theirs, np.ones((1, images)))[0])
    random = np.random.default_rng(seed)
    drawn = np.concatenate([_difference(ours, theirs, weights) for weights in resample(both, resamples, random)])
    own = interval(point, drawn, object_counts(tables[0]).sum(axis=1))
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    reach = 1.96 * float(drawn.std(ddof=1))
    ends = {
        "ours": (own["low"], own["high"]),
        "percentile": (low, high),
        "basic": (2 * point - high, 2 * point - low),
        "normal": (point - reach, point + reach),
    }
    if images <= _JACKKNIFE_UP_TO:
        ends["BCa"] = _bca(point, drawn, lambda weights: _difference(ours, theirs, weights), images)
    return ends


def _bca(point: float, drawn: NDArray[np.float64], difference: Callable[..., NDArray[np.float64]], images: int) -> Ends:
    """Bias-corrected and accelerated: Efron and Tibshirani, chapter 14."""
    below = np.clip(((drawn < point).mean() + (drawn <= point).mean()) / 2, 0.5 / len(drawn), 1 - 0.5 / len(drawn))
    bias = norm.ppf(below)
    left_out = difference(np.ones((images, images)) - np.eye(images))
    pull = left_out.mean() - left_out
    acceleration = (pull**3).sum() / (6 * (pull**2).sum() ** 1.5)
    parts = [norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in norm.ppf([0.025, 0.975])]
    low, high = np.quantile(drawn, parts).tolist()
    return low, high


def _difference(ours: WeightedAP, theirs: WeightedAP, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return mean_aps(ours(weights)) - mean_aps(theirs(weights))


if __name__ == "__main__":
    main()
