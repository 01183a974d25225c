"""An evaluation in Markdown, and the numbers that runs are compared by."""

from __future__ import annotations

from typing import Any

import pytest

from sparseinst.evaluation.coco.numbers import NUMBERS
from sparseinst.evaluation.report.summary import evaluation_summary, logged
from tests.evaluation.report.example import NASTY, comparison, metrics


def _rows(text: str) -> list[list[str]]:
    lines = [line.replace(r"\|", "") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_it_has_the_standing_the_figures_and_what_stands_out() -> None:
    text = evaluation_summary(metrics())
    assert text.startswith("# sparse\\_inst\\_r50\\_giam\n\n5 000 images of val, 36 335 objects")
    assert "**measured**: Mask AP is 0.353" in text
    assert ["small", "0.142", "–"] in _rows(text)
    assert ["Latency, median", "23.4 ms", "p99 61.2 ms"] in _rows(text)
    assert "- **Would help most**: Missed objects" in text
    assert evaluation_summary(metrics()) == text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for found in (metrics(), {}, metrics(model={"name": "a|b"})):
        text = evaluation_summary(found, comparison())
        tables = [block for block in text.split("\n\n") if block.startswith("|")]
        assert len(tables) == 3
        for table in tables:
            assert len({len(row) for row in _rows(table)}) == 1


def test_the_comparison_and_the_gate_are_in_it_where_there_are_any() -> None:
    verdict = {"decision": "fail", "reasons": ["AP is below the minimum"]}
    text = evaluation_summary(metrics(), comparison(), verdict)
    assert "**failed**: The gate said “fail”. AP is below the minimum." in text
    assert ["AP", "0.353", "0.341", "+0.012"] in _rows(text)
    assert "candidate" not in evaluation_summary(metrics())


def test_texts_of_others_stay_texts() -> None:
    strange = metrics([NASTY], model={"name": f"{NASTY}\n# [x](javascript:1)"}, notes=[{"text": f"a\n\n{NASTY}"}])
    text = evaluation_summary(strange, {"AP": {"difference": 0.1}}, {"decision": NASTY, "reasons": [NASTY]})
    assert "<" not in text.replace(r"\<", "")
    assert "[" not in text.replace(r"\[", "")
    assert [line for line in text.splitlines() if line.startswith("#")] == [text.splitlines()[0]]


@pytest.mark.parametrize("found", [{}, {"AP": None, "per_class": None, "speed": None}])
def test_metrics_without_anything_have_one_too(found: dict[str, Any]) -> None:
    assert "**undefined**: There is no AP in these metrics." in evaluation_summary(found)


def test_what_is_undefined_is_not_logged() -> None:
    found = logged(metrics())
    assert set(NUMBERS) - set(found) == {"ARs"}
    assert found["AP"] == 0.353
    assert found["latency_p50_ms"] == 23.4
    assert found["images_per_second"] == 118.25
    assert logged({}) == {}
