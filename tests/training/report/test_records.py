"""A run's files are read in whatever state they are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sparseinst.training.report.page import render
from sparseinst.training.report.records import Event, Records
from sparseinst.training.report.summary import TrainSummary
from tests.training.report.example import SUMMARY, write_lines, write_run

NAMES = ("metrics", "timing", "events")


def test_a_folder_without_files_has_nothing_to_tell(tmp_path: Path) -> None:
    records = Records.of(tmp_path)
    assert (records.steps, records.evaluations, records.timing, records.events, records.last) == ([], [], [], [], 0)
    assert records.median_of("images_per_second") is None


def test_values_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    lines = ["null", "NaN", "1e999", "-Infinity", '"3"', "true", "[1]", "{}", "1" + "0" * 400, "2.5"]
    text = "".join(f'{{"iteration": {n}, "loss": {value}}}\n' for n, value in enumerate(lines))
    (tmp_path / "metrics.jsonl").write_text(text)
    assert Records.of(tmp_path).steps_of("loss") == [(9.0, 2.5)]


def test_undefined_scores_are_left_out(tmp_path: Path) -> None:
    records = Records.of(write_run(tmp_path))
    assert [value for _, value in records.marks_of("AP")] == [0.1, 0.2, 0.3]
    assert records.marks_of("APs") == records.marks_of("APm") == records.marks_of("not a score") == []


def test_iterations_are_put_in_order_and_the_later_of_two_lines_counts(tmp_path: Path) -> None:
    write_lines(tmp_path / "metrics.jsonl", [{"iteration": n, "loss": loss} for n, loss in ((3, 1), (1, 2), (3, 4))])
    assert Records.of(tmp_path).steps_of("loss") == [(1.0, 2.0), (3.0, 4.0)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "line",
    [
        "5", "null", '"text"', "[]", "{}", "nonsense", '{"iteration": "3"}', '{"iteration": -1, "loss": 1}',
        '{"iteration": 1e400, "loss": 2}', '{"iteration": true}', '{"iteration": 3, "evaluation": 7}',
        '{"iteration": 3, "evaluation": {"AP": "high", "iteration": "x"}}', "[" * 200_000,
        '{"iteration": 4, "event": ["a"], "text": {"b": null}, "at": 7}', "\x00\ufffd",
        '{"iteration": 1' + "0" * 300 + "}", '{"iteration": 1' + "0" * 5000 + "}",
    ],
)  # fmt: skip
def test_lines_that_are_something_else_do_no_harm(tmp_path: Path, name: str, line: str) -> None:
    write_run(tmp_path)
    path = tmp_path / f"{name}.jsonl"
    path.write_text(path.read_text() + line + "\n")
    records = Records.of(tmp_path)
    assert records.steps_of("loss")[-1][0] == 200
    assert records.timing_of("memory_gb")[-1] == (200.0, 2.5)
    assert "</html>" in render(records, SUMMARY)


@pytest.mark.parametrize("seed", range(12))
def test_files_torn_anywhere_have_a_page(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    write_run(tmp_path, steps=60)
    for name in NAMES:
        path = tmp_path / f"{name}.jsonl"
        content = bytearray(path.read_bytes()[: chance.randrange(path.stat().st_size)])
        for _ in range(chance.randrange(30)):
            content[chance.randrange(len(content) or 1) : chance.randrange(len(content) + 1)] = chance.choice(
                [b"\n", b"\xff", b"0", b"}", b"", b"null"]
            )
        path.write_bytes(content)
    assert "</html>" in render(Records.of(tmp_path), SUMMARY)


def test_a_folder_in_a_files_place_is_like_no_file(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.jsonl").mkdir()
    assert "Nothing to draw" in render(Records.of(tmp_path), TrainSummary(title="new"))


def test_an_event_without_its_parts_is_an_event(tmp_path: Path) -> None:
    write_lines(tmp_path / "events.jsonl", [{"event": None}, {"iteration": 7, "event": "preempted"}])
    assert Records.of(tmp_path).events == [Event(0, "?", "", ""), Event(7, "preempted", "", "")]
