"""The threshold that one would serve with, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.evaluation.analysis.thresholds import best_of_each_class, best_threshold, curves
from tests.evaluation.analysis.cases import Scenes
from tests.evaluation.analysis.tables import table_of

OBJECTS = [(0, 0, 10), (0, 0, 10), (0, 1, 10), (0, 1, 0)]


def test_the_best_threshold_is_the_score_after_which_precision_costs_more_than_recall_gives() -> None:
    # Right, wrong, right at IoU 0.5, in a crowd, wrong: F1 is 2/4, 2/5, 4/6, 4/7 with three objects.
    rows = [(0, 0, 0.9, 10), (0, 0, 0.8, 0), (0, 0, 0.7, 1), (0, 0, 0.65, -1), (0, 0, 0.6, 0)]
    table = table_of(rows, [(0, 0, 10), (0, 0, 1), (0, 0, 0)])
    assert best_threshold(table) == pytest.approx({"score": 0.7, "f1": 4 / 6, "precision": 2 / 3, "recall": 2 / 3})


def test_detections_of_one_score_are_found_together_or_not_at_all() -> None:
    table = table_of([(0, 0, 0.5, 10), (0, 0, 0.5, 0), (0, 0, 0.5, 0)], [(0, 0, 10)])
    assert best_threshold(table) == pytest.approx({"score": 0.5, "f1": 2 / 4, "precision": 1 / 3, "recall": 1.0})


def test_of_two_thresholds_with_the_same_f1_it_is_the_higher_one() -> None:
    # One of two right: 2/3; then wrong and right: 4/6.
    rows = [(0, 0, 0.9, 10), (0, 0, 0.8, 0), (0, 0, 0.8, 0), (0, 0, 0.7, 10)]
    best = best_threshold(table_of(rows, [(0, 0, 10), (0, 0, 10)]))
    assert best is not None
    assert best["score"] == 0.9


def test_each_class_has_its_own_threshold_and_one_without_anything_right_has_none() -> None:
    rows = [(0, 0, 0.9, 10), (0, 0, 0.8, 10), (0, 1, 0.4, 10), (0, 1, 0.3, 0), (0, 2, 0.7, 0)]
    table = table_of(rows, OBJECTS, classes=4)
    first, second, third, fourth = best_of_each_class(table)
    assert first == {"score": 0.8, "f1": 1.0, "precision": 1.0, "recall": 1.0}
    assert second == pytest.approx({"score": 0.4, "f1": 2 / 3, "precision": 1.0, "recall": 0.5})
    assert third is None
    assert fourth is None


def test_no_threshold_that_is_tried_is_better() -> None:
    table = Scenes(2, 20, distinct=False).table
    best = best_threshold(table)
    counts, hits = ~table.ignored[:, 0], table.hits[:, 0]
    f1 = {}
    for score in np.unique(table.score).tolist():
        found = counts & (table.score >= score)
        f1[score] = 2 * (found & hits).sum() / (found.sum() + len(table.object_image))
    assert best is not None
    assert best["f1"] == pytest.approx(max(f1.values()))
    assert best["score"] == max(score for score, value in f1.items() if value == max(f1.values()))


def test_without_detections_or_objects_there_is_no_best_threshold() -> None:
    assert best_threshold(table_of([], OBJECTS, classes=2)) is None
    assert best_threshold(table_of([(0, 0, 0.9, 0)], [])) is None
    assert best_of_each_class(table_of([], [], classes=2)) == [None, None]


def test_the_curves_are_three_lists_of_101_numbers() -> None:
    found = curves(table_of([(0, 0, 0.9, 10), (0, 0, 0.5, 0)], [(0, 0, 10), (0, 0, 0)]))
    assert {name: len(values) for name, values in found.items()} == {"thresholds": 101, "precision": 101, "recall": 101}
    assert [found["thresholds"][place] for place in (0, 50, 90, 100)] == [0, 0.5, 0.9, 1]
    assert [found["precision"][place] for place in (0, 50, 51, 91)] == [0.5, 0.5, 1, 1]
    assert [found["recall"][place] for place in (0, 90, 91)] == [0.5, 0.5, 0]
