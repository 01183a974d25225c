"""What the exporter says: a look as Prometheus gauges."""

from __future__ import annotations

from collections.abc import Iterator

from sparseinst.serving.drift.comparison import VERDICTS, Distance
from sparseinst.serving.drift.exposition import Gauge
from sparseinst.serving.drift.watch import Look

_PICTURE = "objects_per_picture"


def gauges(look: Look | None, *, is_up: bool) -> Iterator[Gauge]:
    """The families of one scrape. What cannot be told yet is left out, so that no rule fires on it.

    Args:
        look: None where there is no evaluation to compare with.
        is_up: Whether every metrics endpoint and the evaluation could be read.
    """
    yield Gauge(
        "sparseinst_drift_up", "1 if every metrics endpoint and the evaluation could be read.", [({}, float(is_up))]
    )
    if look is None:
        return
    known = [entry for entry in look.distances if entry.verdict != "too_few"]
    yield Gauge(
        "sparseinst_drift",
        "Distance of live traffic from the evaluation, free of the bias of small samples; absent with too few objects.",
        [sample for entry in known for sample in _distances(entry)],
    )
    yield Gauge(
        "sparseinst_drift_least",
        "The PSI, and the ratio of objects per picture, above which chance does not explain it.",
        [
            ({"what": what}, least)
            for what, least in [*((entry.what, entry.least) for entry in look.distances), (_PICTURE, look.ratio.least)]
            if least is not None
        ],
    )
    yield Gauge(
        "sparseinst_drift_verdict",
        "1 for the verdict that holds.",
        [
            ({"what": what, "verdict": verdict}, float(verdict == held))
            for what, held in [
                *((entry.what, entry.verdict) for entry in look.distances),
                (_PICTURE, look.ratio.verdict),
            ]
            for verdict in VERDICTS
        ],
    )
    yield Gauge("sparseinst_drift_objects", "Live objects in the window.", [({}, look.found.objects)])
    yield Gauge("sparseinst_drift_pictures", "Live pictures in the window.", [({}, look.found.pictures)])
    live = [] if look.ratio.live is None else [({"side": "live"}, look.ratio.live)]
    yield Gauge(
        "sparseinst_objects_per_picture",
        "Objects with a score of at least 0.3 in a picture, on average.",
        [*live, ({"side": "evaluation"}, look.ratio.evaluation)],
    )
    model = {"model": look.reference.name, "version": look.reference.version}
    yield Gauge(
        "sparseinst_drift_reference_info",
        "The model whose evaluation traffic is held against.",
        [({**model, "fingerprint": look.reference.fingerprint}, 1.0)],
    )


def _distances(entry: Distance) -> Iterator[tuple[dict[str, str], float]]:
    for distance, value in (("psi", entry.psi), ("js", entry.js)):
        if value is not None:
            yield {"what": entry.what, "distance": distance}, value
