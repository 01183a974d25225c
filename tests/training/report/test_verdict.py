"""What is said about a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sparseinst.training.report.records import Records
from sparseinst.training.report.summary import State, TrainSummary
from sparseinst.training.report.verdict import sentences
from tests.training.report.example import SUMMARY, write_lines, write_run


def _said(output: Path, summary: TrainSummary = SUMMARY) -> str:
    return " ".join(sentence for _, sentence in sentences(summary, Records.of(output)))


@pytest.mark.parametrize(
    ("state", "severity", "begins"),
    [
        ("finished", "good", "Finished after 50 of 200 iterations in 2\u202fmin."),
        ("stopped", "warning", "Stopped after 50 of 200 iterations in 2\u202fmin; the state is saved, and the same"),
        ("failed", "error", "Could not go on after 50 of 200 iterations in 2\u202fmin."),
        ("running", "note", "Running: 50 of 200 iterations in 2\u202fmin; about 75\u202fs left."),
    ],
)
def test_how_the_run_stands_comes_first(tmp_path: Path, state: State, severity: str, begins: str) -> None:
    write_run(tmp_path)
    found = next(
        iter(sentences(TrainSummary(title="x", state=state, iteration=50, iterations=200), Records.of(tmp_path)))
    )
    assert found[0] == severity
    assert found[1].replace("2\u202fmin", "2\u202fmin").startswith(begins)


def test_waiting_for_data_is_a_warning_from_five_percent_on(tmp_path: Path) -> None:
    said = _said(write_run(tmp_path, wait=0.2))
    assert "20\u202f% went into waiting" in said
    assert "input.workers (now 6 a rank)" in said
    assert "bottleneck" not in _said(write_run(tmp_path, wait=0.05))


def test_a_model_that_was_better_before_is_told_of(tmp_path: Path) -> None:
    write_run(tmp_path, aps=(0.1, 0.5, 0.2))
    said = _said(tmp_path, replace(SUMMARY, best_ap=0.5, best_iteration=132))
    assert "The best AP, 0.500, was at iteration 132; at the end it is 0.200." in said
    assert "learned its images by heart" in said


def test_an_ap_that_hardly_fell_is_not_called_overfitting(tmp_path: Path) -> None:
    write_run(tmp_path, aps=(0.1, 0.300, 0.295))
    assert "by heart" not in _said(tmp_path, replace(SUMMARY, best_ap=0.3, best_iteration=132))


def test_a_run_that_still_rose_at_its_end_is_told_of_only_when_it_is_over(tmp_path: Path) -> None:
    write_run(tmp_path, aps=(0.1, 0.2, 0.3, 0.35, 0.4))
    rising = replace(SUMMARY, best_ap=0.4, best_iteration=200)
    assert "AP still rose at the end, by 0.050 in the last fifth" in _said(tmp_path, rising)
    assert "still" not in _said(tmp_path, replace(rising, state="running"))
    assert "still" not in _said(tmp_path, replace(rising, ended="5 evaluations without a better AP"))
    write_run(tmp_path, aps=(0.1, 0.3, 0.39, 0.4, 0.4))
    assert "AP still" not in _said(tmp_path, rising)


def test_a_model_that_finds_nothing_and_a_run_without_an_evaluation_are_told_of(tmp_path: Path) -> None:
    write_run(tmp_path, aps=(0.0, 0.0, 0.001))
    assert "finds next to nothing" in _said(tmp_path, replace(SUMMARY, best_ap=0.001, best_iteration=198))
    write_run(tmp_path, aps=())
    assert "No AP was measured" in _said(tmp_path, replace(SUMMARY, best_ap=None, best_iteration=None))


def test_a_loss_that_rose_again_is_told_of(tmp_path: Path) -> None:
    write_run(tmp_path)
    write_lines(tmp_path / "metrics.jsonl", [{"iteration": n, "loss": 2 + abs(n - 500) / 500} for n in range(1000)])
    assert "The loss rose again: it is 3" in _said(tmp_path)
    write_lines(tmp_path / "metrics.jsonl", [{"iteration": n, "loss": 2 + (n == 700) * 99} for n in range(1000)])
    assert "rose again" not in _said(tmp_path)


def test_troubles_are_counted_in_words(tmp_path: Path) -> None:
    events = ["non_finite", "non_finite", "bad_image", "save_failed"]
    write_lines(tmp_path / "events.jsonl", [{"iteration": 1, "event": kind} for kind in events])
    said = _said(tmp_path)
    assert "2 steps were skipped because their loss was no number." in said
    assert "1 image could not be read and was left out." in said
    assert "1 time the state could not be saved." in said
