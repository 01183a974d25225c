from __future__ import annotations

from sparseinst.training.report.problems import grouped
from sparseinst.training.report.records import Event


def test_events_are_grouped_by_kind_the_gravest_first() -> None:
    kinds = ["resumed", "bad_image", "save_failed", "non_finite", "non_finite", "something new"]
    groups = grouped([Event(n, kind, f"text {n}", "") for n, kind in enumerate(kinds)])
    assert [(group.kind, group.severity, group.count) for group in groups] == [
        ("save_failed", "error", 1),
        ("non_finite", "warning", 2),
        ("bad_image", "warning", 1),
        ("resumed", "note", 1),
        ("something new", "note", 1),
    ]


def test_the_latest_are_shown_and_all_are_counted() -> None:
    (group,) = grouped([Event(n, "non_finite", "x" * 10_000, "") for n in range(300)])
    assert group.count == 300
    assert [event.iteration for event in group.examples] == list(range(280, 300))
    assert len(group.examples[0].text) == 400


def test_a_file_full_of_kinds_does_not_fill_the_page() -> None:
    assert len(grouped([Event(n, f"{'k' * 99}{n}", "", "") for n in range(5000)])) == 40
