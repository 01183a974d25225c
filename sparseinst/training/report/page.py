"""Writes a run's page: one HTML file with everything in it, which asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparseinst.pages.page import render_page, write_page
from sparseinst.pages.pictures import embedded
from sparseinst.pages.words import duration, number, percent, shortened
from sparseinst.training.order import REPORT_NAME
from sparseinst.training.report.cards import learning_cards, pace_cards
from sparseinst.training.report.curves import figure
from sparseinst.training.report.marks import legend_of, marks_of
from sparseinst.training.report.problems import grouped
from sparseinst.training.report.records import Records
from sparseinst.training.report.summary import TrainSummary
from sparseinst.training.report.verdict import MOST_WAIT, sentences

_LONGEST_SETTING = 400


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
    end = max(summary.iteration, records.last)
    marks = marks_of(records.events, end)
    return render_page(
        __package__,
        title=summary.title,
        state=summary.state,
        standing=told[0],
        told=[*told[1:], *(("warning", note) for note in summary.notes)],
        figures=_figures(records, summary),
        marks=legend_of(marks),
        learning=learning_cards(records, summary, end, marks),
        pace=pace_cards(records, end, marks),
        pictures=[(caption, embedded(jpeg)) for caption, jpeg in summary.pictures],
        groups=grouped(records.events),
        facts=list(summary.facts),
        settings=[(section, _settings(values)) for section, values in summary.settings.items()],
    )


def _figures(records: Records, summary: TrainSummary) -> list[tuple[str, str, str, str]]:
    """(what, figure, addition, severity or nothing): the tiles at the head."""
    scores, seconds = records.marks_of("AP"), records.timing_of("seconds")
    speed, wait = records.median_of("images_per_second"), records.median_of("data_wait_share")
    memory = [value for _, value in records.timing_of("memory_gb")]
    best = "" if summary.best_ap is None else f"{summary.best_ap:.3f}"
    at = "" if summary.best_iteration is None else f"at {number(summary.best_iteration)}"
    last = f", last {scores[-1][1]:.3f}" if scores else ""
    is_slow = "warning" if wait is not None and wait > MOST_WAIT else ""
    found = [
        ("Best AP on val", best, at + last, ""),
        ("Iterations", number(summary.iteration), f"of {number(summary.iterations)}", ""),
        ("Training time", duration(seconds[-1][1]) if seconds else "", "", ""),
        ("Images a second", "" if speed is None else figure(speed), "median", ""),
        ("Waiting for data", "" if wait is None else percent(wait), "median", is_slow),
        ("Memory", f"{max(memory):.1f} GB" if memory else "", "at most", ""),
    ]  # fmt: skip
    return [(what, value or "–", addition if value else "", mark) for what, value, addition, mark in found]


def _settings(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(name), shortened(_said(value), _LONGEST_SETTING)) for name, value in values.items()]


def _said(value: Any) -> str:
    """As it is written in YAML, near enough to be read."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "[]"
    return "–" if value is None else str(value)
