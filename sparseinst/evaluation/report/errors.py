"""What each kind of error costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.report.kinds import losses
from sparseinst.evaluation.report.track import Track
from sparseinst.evaluation.report.values import part, real, score, signed
from sparseinst.pages.words import counted, number

_LEAST = 0.001  # of AP50: less is not worth a sentence


def error_tracks(metrics: Mapping[str, Any]) -> list[Track]:
    """One row a kind, the dearest first; bars are as long as the dearest allows."""
    found = losses(metrics)
    most = max((loss.lost for loss in found), default=0.0)
    return [
        Track(
            loss.kind.name,
            signed(loss.lost),
            round(100 * max(loss.lost, 0.0) / most, 2) if most > 0 else 0.0,
            loss.kind.meaning,
            (number(loss.count),),
            colour="s1",
            fix=loss.kind.fix if place < 2 and loss.lost >= _LEAST else "",
        )
        for place, loss in enumerate(found)
    ]


def about_errors(metrics: Mapping[str, Any]) -> str:
    """What the model would gain most from, and what to do; empty where errors were not told apart or cost nothing."""
    found = losses(metrics)
    if not found or found[0].lost < _LEAST:
        return ""
    worst = found[0]
    before = real(part(metrics, "errors"), "AP50")
    if before is None:
        before = real(metrics, "AP50")
    to = "" if before is None else f" from {score(before)} to {score(min(1.0, before + worst.lost))}"
    many = counted(worst.count, "error")
    return f"{worst.kind.name} ({worst.kind.meaning}): without these {many} AP50 would rise{to}. {worst.kind.fix}."
