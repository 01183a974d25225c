"""An evaluation in a few lines of Markdown: what Kubeflow shows beside a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.coco.numbers import NUMBERS
from sparseinst.evaluation.report.figures import tiles
from sparseinst.evaluation.report.origin import about_data, title
from sparseinst.evaluation.report.values import part, real, score, signed
from sparseinst.evaluation.report.verdict import sentences, standing
from sparseinst.pages.markdown import document, plain, table

_SIZES = ("small", "APs", "ARs"), ("medium", "APm", "ARm"), ("large", "APl", "ARl")


def evaluation_summary(
    metrics: Mapping[str, Any],
    comparison: Mapping[str, Any] | None = None,
    verdict: Mapping[str, Any] | None = None,
) -> str:
    """Markdown with what the page says first: the standing, the figures, what stands out.

    Arguments as of `evaluation_page`. Names and messages are others' texts: whatever Markdown or HTML would make of
    them is escaped.
    """
    against, decided = comparison or {}, verdict or {}
    found = standing(metrics, against, decided)
    lines = [f"# {plain(title(metrics))}", "", plain(about_data(metrics)), ""]
    lines += [f"**{plain(found.word)}**: {plain(found.sentence)}", ""]
    lines += table(("", "", ""), tiles(metrics, against))
    lines += table(("objects", "AP", "AR"), _by_size(metrics))
    changes = [
        (name, score(real(values, "candidate")), score(real(values, "incumbent")), signed(real(values, "difference")))
        for name in ("AP", "AP50")
        if (values := part(against, name))
    ]
    if changes:
        lines += table(("", "candidate", "incumbent", "difference"), changes)
    lines += [f"- **{plain(said.label)}**: {plain(said.text)}" for said in sentences(metrics, against, decided)]
    return document(lines)


def logged(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that one compares runs by: COCO's 12 that are defined, and the speed where a model ran."""
    speed = part(metrics, "speed")
    latency = part(speed, "latency_ms")
    named = {name: real(metrics, name) for name in NUMBERS}
    named |= {f"latency_{name}_ms": real(latency, name) for name in ("p50", "p90", "p99")}
    named |= {"images_per_second": real(speed, "images_per_second")}
    return {name: value for name, value in named.items() if value is not None}


def _by_size(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(size, score(real(metrics, ap)), score(real(metrics, ar))) for size, ap, ar in _SIZES]
