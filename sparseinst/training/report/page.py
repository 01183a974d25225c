"""Writes a run's page: one HTML file with everything in it, which asks the network for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparseinst.pages.page import render_page, write_page
from sparseinst.pages.pictures import embedded
from sparseinst.pages.words import duration, percent
from sparseinst.training.order import REPORT_NAME
from sparseinst.training.report.curves import Curve, curves_card
from sparseinst.training.report.series import Records, smoothed
from sparseinst.training.report.summary import TrainSummary
from sparseinst.training.report.verdict import sentences

_LETTERS = {"preempted": "stop", "resumed": "", "non_finite": "NaN", "failed": "stop"}
_MOST_LETTERS = 12
_MOST_EVENTS = 200


def write_train_report(output: Path, summary: TrainSummary) -> Path:
    """Writes `output/train.html` from the run's metrics.jsonl, timing.jsonl and events.jsonl.

    The same files and summary give the same bytes. What is missing is left out.
    """
    path = output / REPORT_NAME
    write_page(path, render(Records.of(output), summary))
    return path


def render(records: Records, summary: TrainSummary) -> str:
    """The page as text."""
    told = list(sentences(summary, records))
    kinds = Counter(str(event.get("event", "?")) for event in records.events)
    return render_page(
        __package__,
        title=summary.title,
        state=summary.state,
        standing=told[0],
        told=told[1:],
        figures=_figures(records, summary),
        cards=_cards(records, summary),
        pictures=[(caption, embedded(jpeg)) for caption, jpeg in summary.pictures],
        notes=list(summary.notes),
        kinds=kinds.most_common(),
        events=list(records.events)[-_MOST_EVENTS:],
        facts=list(summary.facts),
        settings={section: dict(values) for section, values in summary.settings.items()},
    )


def _figures(records: Records, summary: TrainSummary) -> list[tuple[str, str, str]]:
    """(what, figure, addition): the tiles at the head."""
    best = summary.best_ap
    seconds = records.timing_of("seconds")
    speed, wait = records.median_of("images_per_second"), records.median_of("data_wait_share")
    memory = [value for _, value in records.timing_of("memory_gb")]
    found = [
        ("Best AP on val", "–" if best is None else f"{best:.3f}", "" if best is None else _at(summary.best_iteration)),
        ("Training time", duration(seconds[-1][1]) if seconds else "–", ""),
        ("Images a second", "–" if speed is None else f"{speed:.3g}", "median"),
        ("Waiting for data", "–" if wait is None else percent(wait), "median"),
        ("Memory", f"{max(memory):.1f} GB" if memory else "–", "at most"),
    ]
    return [(what, figure, addition if figure != "–" else "") for what, figure, addition in found]


def _at(iteration: int | None) -> str:
    return "" if iteration is None else f"at iteration {iteration}"


def _cards(records: Records, summary: TrainSummary) -> list[dict[str, Any]]:
    last = max(summary.iteration, *(int(x) for x, _ in records.steps_of("loss")), 1)
    marks = _marks(records)
    loss = records.steps_of("loss")
    parts = {"class": "loss_ce", "mask": "loss_mask", "dice": "loss_dice", "objectness": "loss_objectness"}
    part_curves = [Curve(name, smoothed(records.steps_of(key))) for name, key in parts.items()]
    cards = (
        ("Loss", [Curve("as it was", loss, is_faint=True), Curve("smoothed", smoothed(loss))]),
        ("Parts of the loss, smoothed", part_curves),
        ("AP on val", [Curve(name, records.marks_of(name)) for name in ("AP", "AP50", "AP75")]),
        ("AP by size on val", [Curve(name, records.marks_of(name)) for name in ("APs", "APm", "APl")]),
        ("Learning rate", [Curve("learning rate", records.steps_of("lr"))]),
        ("Gradient norm, smoothed", [Curve("gradient norm", smoothed(records.steps_of("grad_norm")))]),
        ("Images a second", [Curve("images a second", records.timing_of("images_per_second"))]),
        ("Share of time waiting for data", [Curve("waiting for data", records.timing_of("data_wait_share"))]),
        ("Memory in GB", [Curve("memory", records.timing_of("memory_gb"))]),
    )
    return [curves_card(title, curves, last, marks) for title, curves in cards]


def _marks(records: Records) -> Sequence[tuple[float, str]]:
    """Where something happened, for the charts; the first few."""
    found = [
        (float(event["iteration"]), _LETTERS[event["event"]])
        for event in records.events
        if event.get("event") in _LETTERS and isinstance(event.get("iteration"), int)
    ]
    return sorted(set(found))[:_MOST_LETTERS]
