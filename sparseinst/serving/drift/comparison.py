"""Live traffic against the evaluation: distances, and whether chance explains them.

A verdict needs both: a distance that matters, and one that samples of these sizes do not show by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sparseinst.serving.drift import pooling
from sparseinst.serving.drift.chance import FALSE_ALARMS, chance, statistic
from sparseinst.serving.drift.distances import js_divergence, psi, smoothed
from sparseinst.serving.drift.histogram import KINDS, Found
from sparseinst.serving.drift.reference import Reference

Verdict = Literal["same", "moderate", "drift", "too_few"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

# Of PSI: Siddiqi, "Credit Risk Scorecards", 2006.
MODERATE_PSI, DRIFT_PSI = 0.1, 0.25
# How many times more or fewer objects a picture has: our own.
MODERATE_RATIO, DRIFT_RATIO = 1.25, 1.5
# Fewer pictures tell nothing about how pictures differ, on which all limits here are built.
LEAST_PICTURES = 30


@dataclass(frozen=True, slots=True)
class Distance:
    """One kind of histogram compared. `psi` and `js` are free of the bias of small samples; None where nothing is.

    `least` is the PSI above which chance does not explain it.
    """

    what: str
    psi: float | None
    js: float | None
    least: float | None
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Objects in a picture, live and in the evaluation; `least` is the ratio above which chance does not explain it."""

    live: float | None
    evaluation: float
    least: float | None
    verdict: Verdict
    reason: str = ""


def distances(live: Found, reference: Reference) -> list[Distance]:
    """One for each of "scores", "classes" and "areas"."""
    reason = _too_few_pictures(live, reference)
    return [_distance(what, live, reference, reason) for what in KINDS]


def ratio(live: Found, reference: Reference) -> Ratio:
    """The mean numbers of objects in a picture, by the logarithm of their ratio."""
    from scipy.special import stdtrit

    mean, found = reference.found.per_picture, live.per_picture if live.pictures else None
    if found is None or mean == 0:
        reason = "no live picture yet" if mean else "the evaluation found no object"
        return Ratio(found, mean, None, "too_few", reason)
    # Half an object more on both sides: live traffic without objects has a ratio too.
    times = (found + 0.5 / live.pictures) / (mean + 0.5 / live.pictures)
    error = math.sqrt(reference.variance * (1 / live.pictures + 1 / reference.found.pictures)) / mean
    margin = float(stdtrit(max(1.0, _fewest(live, reference) - 1), 1 - FALSE_ALARMS / 2)) * error
    least = math.exp(margin)
    reason = _too_few_pictures(live, reference)
    is_real = abs(math.log(times)) > margin
    if not reason and not is_real and least > DRIFT_RATIO:
        few = _few(live.pictures, reference.found.pictures, "pictures")
        reason = f"{few} only tell a ratio above {least:.2f} from chance"
    if reason:
        return Ratio(found, mean, least, "too_few", reason)
    times = max(times, 1 / times)
    return Ratio(found, mean, least, _verdict(times, MODERATE_RATIO, DRIFT_RATIO) if is_real else "same")


def _distance(what: str, live: Found, reference: Reference, reason: str) -> Distance:
    one, other = live.counts[what], reference.found.counts[what]
    if not one.sum() or not other.sum():
        side = "live traffic" if not one.sum() else "the evaluation"
        return Distance(what, None, None, None, "too_few", f"no object in {side}")
    crowding = max(1.0, live.per_picture / reference.found.per_picture)  # more objects in a picture are alike
    effects = 1 + np.maximum(0, reference.effects[what] - 1) * crowding
    one, other = _pool(what, one, other, effects)
    p, q = smoothed(one, other)
    by_chance = chance(len(p), effects, (one.sum(), other.sum()), _fewest(live, reference))
    distance = max(0.0, psi(p, q) - by_chance.mean)
    divergence = max(0.0, js_divergence(p, q) - by_chance.mean / (8 * math.log(2)))
    is_real = statistic(p, q) > by_chance.limit
    if not reason and not is_real and by_chance.limit > DRIFT_PSI:
        few = _few(one.sum(), other.sum(), "objects")
        reason = f"{few} only tell a PSI above {by_chance.limit:.2f} from chance"
    verdict: Verdict = "too_few" if reason else _verdict(distance, MODERATE_PSI, DRIFT_PSI) if is_real else "same"
    return Distance(what, distance, math.sqrt(divergence), by_chance.limit, verdict, reason)


def _pool(
    what: str, one: NDArray[np.float64], other: NDArray[np.float64], effects: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both histograms with bins joined until each holds enough: of objects that were drawn by themselves."""
    held, size = one + other > 0, min(one.sum(), other.sum()) / (effects.mean() if len(effects) else 1)
    one, other = one[held], other[held]
    shares = (one / one.sum() + other / other.sum()) / 2
    places = (pooling.smallest if what == "classes" else pooling.neighbours)(size * shares)
    return np.bincount(places, one).astype(np.float64), np.bincount(places, other).astype(np.float64)


def _too_few_pictures(live: Found, reference: Reference) -> str:
    if live.pictures < LEAST_PICTURES:
        return f"{live.pictures:.0f} live pictures; {LEAST_PICTURES} are needed"
    if reference.found.pictures < LEAST_PICTURES:
        return f"the evaluation looked at {reference.found.pictures:.0f} pictures; {LEAST_PICTURES} are needed"
    return ""


def _fewest(live: Found, reference: Reference) -> float:
    return min(live.pictures, reference.found.pictures)


def _few(live: float, evaluation: float, what: str) -> str:
    return f"{live:.0f} live {what}" if live <= evaluation else f"the evaluation's {evaluation:.0f} {what}"


def _verdict(value: float, moderate: float, drift: float) -> Verdict:
    return "drift" if value >= drift else "moderate" if value >= moderate else "same"
