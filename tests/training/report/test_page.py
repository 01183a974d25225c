"""A run's page shows what its files say."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from sparseinst.training.report.page import render, write_train_report
from sparseinst.training.report.records import Records
from sparseinst.training.report.summary import TrainSummary
from tests.training.report.example import NASTY, SUMMARY, write_lines, write_run


def test_the_page_has_the_figures_and_is_the_same_each_time(tmp_path: Path) -> None:
    path = write_train_report(write_run(tmp_path), SUMMARY)
    page = path.read_text()
    assert path.name == "train.html"
    for text in ("0.300", "at 198, last 0.300", "100", "1.0\u202f%", "2.5 GB", "stopped by SIGTERM", "8 x cuda"):
        assert text in page, text
    assert page.count("<svg") == 9
    before = path.read_bytes()
    assert write_train_report(tmp_path, SUMMARY).read_bytes() == before


def test_texts_of_others_stay_texts(tmp_path: Path) -> None:
    write_run(tmp_path)
    write_lines(tmp_path / "events.jsonl", [{"iteration": 1, "event": NASTY, "text": NASTY, "at": NASTY}])
    page = render(Records.of(tmp_path), replace(SUMMARY, title=NASTY, ended=NASTY, settings={NASTY: {NASTY: NASTY}}))
    assert "window.taken = 1" in page
    assert "<script>window" not in page
    assert "onmouseover='" not in page
    assert page.count("<script>") == 1


def test_the_page_has_no_address_in_it(tmp_path: Path) -> None:
    page = render(Records.of(write_run(tmp_path)), SUMMARY)
    assert not re.search(r"https?://|@import|url\(", page)


def test_a_run_without_files_has_a_page(tmp_path: Path) -> None:
    page = render(Records.of(tmp_path), TrainSummary(title="new"))
    assert page.count("Nothing to draw") == 9
    assert "Running: 0 of 0 iterations" in page
    assert "Nothing happened that should not" in page


def test_half_a_character_in_a_text_does_not_stop_the_page(tmp_path: Path) -> None:
    path = write_train_report(write_run(tmp_path), replace(SUMMARY, title="\udfff", notes=["\ud800"]))
    assert "<h1><bdi>?</bdi></h1>" in path.read_text(encoding="utf-8")


def test_a_long_run_has_a_small_page(tmp_path: Path) -> None:
    write_run(tmp_path, steps=20_000, aps=tuple(0.3 + n / 5000 for n in range(400)))
    many = [{"iteration": 4 * n, "event": "non_finite", "text": "x" * 300, "at": "now"} for n in range(5000)]
    write_lines(tmp_path / "events.jsonl", many)
    page = render(Records.of(tmp_path), SUMMARY)
    assert len(page.encode()) < 500_000
    assert "5\u202f000" in page


def test_settings_are_written_as_in_yaml_and_cut_where_they_are_long(tmp_path: Path) -> None:
    settings = {"input": {"sides": [1, 2], "flag": True, "nothing": None, "long": "y" * 9999}}
    page = render(Records.of(tmp_path), TrainSummary(title="x", settings=settings))
    for text in ("<bdi>1, 2</bdi>", "<bdi>true</bdi>", "<bdi>–</bdi>", "y" * 399 + "…"):
        assert text in page
