"""A run's page shows what its files say, whatever state they are in."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from sparseinst.training.report.page import render, write_train_report
from sparseinst.training.report.series import MOST_POINTS, Records, smoothed, thinned
from sparseinst.training.report.summary import TrainSummary
from sparseinst.training.report.verdict import sentences

NASTY = "<script>alert(1)</script>\u2028\"'&"


def write_run(output: Path, steps: int = 200, wait: float = 0.01, aps: tuple[float, ...] = (0.1, 0.2, 0.3)) -> Path:
    """The files of a run whose loss falls."""
    metrics = []
    for step in range(1, steps + 1):
        loss = 8 * math.exp(-3 * step / steps) + 0.1 * math.sin(step)
        parts = dict.fromkeys(("loss_ce", "loss_mask", "loss_dice", "loss_objectness"), loss / 4)
        metrics.append({"iteration": step, "loss": loss, **parts, "grad_norm": 1.0, "lr": 1e-3})
        if step % (steps // len(aps)) == 0 and step // (steps // len(aps)) <= len(aps):
            ap = aps[step // (steps // len(aps)) - 1]
            numbers = {"AP": ap, "AP50": ap * 1.5, "AP75": ap / 2, "APs": None, "APm": ap, "APl": ap}
            metrics.append({"iteration": step, "evaluation": numbers})
    timing = [
        {"iteration": n, "seconds": n * 0.5, "images_per_second": 32, "data_wait_share": wait, "memory_gb": 2.5}
        for n in range(1, steps + 1)
    ]
    events = [
        {"iteration": 50, "event": "preempted", "text": "stopped by SIGTERM", "at": "2026-11-25T10:00:00+00:00"},
        {"iteration": 50, "event": "resumed", "text": "went on", "at": "2026-11-25T10:01:00+00:00"},
        {"iteration": 60, "event": "bad_image", "text": NASTY, "at": "2026-11-25T10:02:00+00:00"},
    ]
    for name, records in (("metrics", metrics), ("timing", timing), ("events", events)):
        (output / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return output


SUMMARY = TrainSummary(
    title="sparse_inst_r50_giam",
    state="finished",
    iteration=200,
    iterations=200,
    best_ap=0.3,
    best_iteration=198,
    facts=[("device", "8 x cuda")],
    notes=[f"A small batch {NASTY}"],
    settings={"train": {"lr": 1e-3, "weights": NASTY}},
)


def words(output: Path, summary: TrainSummary = SUMMARY) -> list[str]:
    return [sentence for _, sentence in sentences(summary, Records.of(output))]


def test_the_page_has_the_figures_and_is_the_same_each_time(tmp_path: Path) -> None:
    path = write_train_report(write_run(tmp_path), SUMMARY)
    page = path.read_text()
    assert path.name == "train.html"
    for text in ("0.300", "at iteration 198", "100", "1.0\u202f%", "2.5 GB", "stopped by SIGTERM", "8 x cuda"):
        assert text in page, text
    assert page.count("<svg") == 9
    before = path.read_bytes()
    assert write_train_report(tmp_path, SUMMARY).read_bytes() == before


def test_texts_of_others_stay_texts(tmp_path: Path) -> None:
    page = render(Records.of(write_run(tmp_path)), SUMMARY)
    assert "alert(1)" in page
    assert "<script>alert" not in page


def test_a_run_without_files_has_a_page(tmp_path: Path) -> None:
    page = render(Records.of(tmp_path), TrainSummary(title="new"))
    assert "Nothing to draw" in page
    assert "Running: 0 of 0 iterations" in page


def test_lines_that_were_cut_off_and_values_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    write_run(tmp_path)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"iteration": 201, "loss": null, "lr": NaN}\n{"iteration": 202, "loss": 1e999}\nnonsense\n{"iter')
    records = Records.of(tmp_path)
    assert records.steps_of("loss")[-1][0] == 200
    assert "NaN" not in re.sub(r"data-tip=\"[^\"]*\"", "", render(records, SUMMARY)).replace(">NaN<", "")


@pytest.mark.parametrize("count", [0, 1, MOST_POINTS, MOST_POINTS + 1, 20_000])
def test_a_thinned_curve_keeps_its_spikes_and_its_ends(count: int) -> None:
    series = [(float(n), math.sin(n)) for n in range(count)]
    if count > 10:
        series[count // 3] = (float(count // 3), 50.0)
    kept = thinned(series)
    assert len(kept) <= MOST_POINTS + 1
    assert kept == sorted(kept)
    if series:
        assert kept[-1] == series[-1]
        assert max(y for _, y in kept) == max(y for _, y in series)
        assert min(y for _, y in kept) == min(y for _, y in series)


def test_smoothing_keeps_the_mean_and_the_length() -> None:
    series = [(float(n), float(n % 2)) for n in range(100)]
    smooth = smoothed(series)
    assert [x for x, _ in smooth] == [x for x, _ in series]
    assert all(abs(y - 0.5) < 0.1 for _, y in smooth[5:-5])


def test_a_long_run_has_a_small_page(tmp_path: Path) -> None:
    page = render(Records.of(write_run(tmp_path, steps=20_001)), SUMMARY)
    assert len(page) < 500_000


def test_what_stands_out_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, wait=0.2)
    said = " ".join(words(tmp_path))
    assert "20\u202f% went into waiting for images" in said
    assert "Images that could not be read and were left out: 1." in said
    assert "still falling" in said
    write_run(tmp_path, wait=0.01, aps=(0.1, 0.5, 0.2))
    over = TrainSummary(title="x", state="finished", iteration=200, iterations=200, best_ap=0.5, best_iteration=132)
    said = " ".join(words(tmp_path, over))
    assert "learned its images by heart" in said
    assert "waiting for images" not in said


def test_a_stopped_run_says_how_it_goes_on(tmp_path: Path) -> None:
    stopped = TrainSummary(title="x", state="stopped", iteration=50, iterations=200)
    assert (
        words(tmp_path, stopped)[0]
        == "Stopped after 50 of 200 iterations; the state is saved, and the same command goes on."
    )
