"""Scores against how often they are right."""

from __future__ import annotations

import pytest

from sparseinst.evaluation.analysis.calibration import calibration
from tests.evaluation.analysis.tables import table_of


def test_each_bin_has_the_mean_score_and_the_share_that_is_right() -> None:
    rows = [(0, 0, 1.0, 10), (0, 0, 0.9, 0), (0, 0, 0.25, 1), (0, 0, 0.2, 0), (0, 0, 0.21, 0), (0, 0, 0.95, -1)]
    found = calibration(table_of(rows, [(0, 0, 10), (0, 0, 1)]))
    assert found is not None
    assert [entry["count"] for entry in found["bins"]] == [0, 0, 3, 0, 0, 0, 0, 0, 0, 2]
    assert found["bins"][9] == pytest.approx({"low": 0.9, "high": 1.0, "count": 2, "score": 0.95, "precision": 0.5})
    assert found["bins"][2]["score"] == pytest.approx(0.22)
    assert found["bins"][2]["precision"] == pytest.approx(1 / 3)
    assert found["bins"][0] == {"low": 0.0, "high": 0.1, "count": 0, "score": None, "precision": None}
    assert found["ece"] == pytest.approx((2 * 0.45 + 3 * (1 / 3 - 0.22)) / 5)


def test_a_model_whose_scores_come_true_has_no_error() -> None:
    rows = [(0, 0, 0.5, 10), (0, 0, 0.5, 0), (0, 0, 1.0, 10)]
    found = calibration(table_of(rows, [(0, 0, 10), (0, 0, 10)]))
    assert found is not None
    assert found["ece"] == 0


def test_without_detections_the_error_is_unknown() -> None:
    found = calibration(table_of([], [(0, 0, 0)]))
    assert found is not None
    assert found["ece"] is None
    assert len(found["bins"]) == 10


def test_scores_that_are_no_shares_promise_nothing() -> None:
    assert calibration(table_of([(0, 0, 3.5, 10)], [(0, 0, 10)])) is None
    assert calibration(table_of([(0, 0, -0.5, 10)], [(0, 0, 10)])) is None
