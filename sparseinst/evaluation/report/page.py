"""Writes an evaluation's page: one HTML file with everything in it, which asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.report import classes, origin
from sparseinst.evaluation.report.calibration import calibration_card
from sparseinst.evaluation.report.class_chart import class_card
from sparseinst.evaluation.report.confused import confusions
from sparseinst.evaluation.report.costly import costly_images
from sparseinst.evaluation.report.curves import recall_card, threshold_card
from sparseinst.evaluation.report.errors import error_tracks
from sparseinst.evaluation.report.figures import precision_tracks, recall_tracks, tiles
from sparseinst.evaluation.report.slices import slice_groups
from sparseinst.evaluation.report.speed import about_speed, about_timing, latency_tracks, timing_tracks
from sparseinst.evaluation.report.values import length, real, score, signed
from sparseinst.evaluation.report.verdict import sentences, standing
from sparseinst.evaluation.report.versus import how_compared, incumbent_name, panels
from sparseinst.pages.page import render_page

NAME = "report.html"


def evaluation_page(
    metrics: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    comparison: Mapping[str, Any] | None = None,
    verdict: Mapping[str, Any] | None = None,
    *,
    commit: str = "",
) -> str:
    """The page as text; the same input gives the same text.

    Args:
        metrics: The content of a metrics.json (docs/metrics.md). Any part may be absent or null.
        pictures: File name in `costly_images` to a JPEG, the truth on the left and the prediction on the right.
        comparison: With an incumbent, "sparseinst.comparison/1".
        verdict: The gate's: "decision" and "reasons", texts or objects with "text" and "outcome".
        commit: Of the code that measured, as the manifest has it.
    """
    return render_page(
        __package__,
        {"score": score, "signed": signed, "along": length},
        **contents(metrics, pictures, comparison or {}, verdict or {}, commit),
    )


def contents(
    metrics: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    comparison: Mapping[str, Any],
    verdict: Mapping[str, Any],
    commit: str,
) -> dict[str, Any]:
    """What page.html shows, by the names that it uses."""
    return {
        "title": origin.title(metrics),
        "data": origin.about_data(metrics),
        "standing": standing(metrics, comparison, verdict),
        "told": list(sentences(metrics, comparison, verdict)),
        "tiles": tiles(metrics, comparison),
        "panels": panels(comparison),
        "incumbent": incumbent_name(comparison),
        "compared": how_compared(comparison),
        "precision": precision_tracks(metrics),
        "recall": recall_tracks(metrics),
        "errors": error_tracks(metrics),
        "confused": confusions(metrics),
        "cards": [recall_card(metrics), threshold_card(metrics), calibration_card(metrics)],
        "classes": _classes(classes.class_rows(metrics, comparison)),
        "slices": slice_groups(metrics, comparison),
        "ap": real(metrics, "AP"),
        "costly": costly_images(metrics, pictures),
        "latency": latency_tracks(metrics),
        "about_speed": about_speed(metrics),
        "timing": timing_tracks(metrics),
        "about_timing": about_timing(metrics),
        "facts": origin.origin(metrics, commit),
    }


def _classes(rows: list[classes.ClassRow]) -> dict[str, Any]:
    return {
        "rows": rows,
        "first": classes.FIRST,
        "about": classes.about_classes(rows),
        "lists": classes.lists(rows),
        "card": class_card(rows),
        "has_changes": any(row.change is not None for row in rows),
    }
