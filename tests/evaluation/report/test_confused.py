"""What is taken for what, as the page shows it."""

from __future__ import annotations

from typing import Any

import pytest

from sparseinst.evaluation.report.confused import confusions
from tests.evaluation.report.example import NASTY, metrics


def test_cells_are_shares_of_their_row_and_the_largest_mistakes_are_named() -> None:
    found = confusions(metrics())
    assert found is not None
    assert found.rows[1][1].share == pytest.approx(45 / 66)
    assert [cell.is_right for cell in found.rows[1]] == [False, True, False, False, False]
    rows, mistakes = found.about
    assert rows.endswith("at IoU 0.5 and a score of at least 0.42.")
    assert (
        mistakes
        == f"Most often mistaken: car for {NASTY} (9 times, 14\u202f%) and {NASTY} for car (7 times, 18\u202f%)."
    )


def test_what_many_classes_together_are_taken_for_is_not_named() -> None:
    names = ["a", "other classes", "background"]
    found = confusions({"confusion": {"names": names, "counts": [[50, 40, 0], [30, 20, 0], [0, 0, 0]]}})
    assert found is not None
    assert len(found.about) == 1


def test_single_mistakes_are_not_worth_a_sentence() -> None:
    names = ["a", "b", "background"]
    found = confusions({"confusion": {"names": names, "counts": [[990, 10, 0], [4, 20, 0], [0, 0, 0]]}})
    assert found is not None
    assert len(found.about) == 1


@pytest.mark.parametrize(
    "table", [None, {}, {"names": ["a"], "counts": [[1]]}, {"names": ["a", "b"], "counts": [[1, 2]]}, {"names": "ab"}]
)
def test_without_a_square_table_there_is_none(table: Any) -> None:
    assert confusions({"confusion": table}) is None
