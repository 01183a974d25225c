"""AP with a weight per image is COCO's AP of that many copies of the images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.evaluation.analysis.average_precision import WeightedAP, average_precision, mean_ap, mean_aps
from sparseinst.evaluation.coco.numbers import mask_metrics
from tests.evaluation.analysis.cases import Scenes, pycocotools_ap


def assert_alike(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12, equal_nan=True)


@given(seed=st.integers(0, 10**6), images=st.integers(0, 12), classes=st.integers(1, 4), distinct=st.booleans())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_it_is_pycocotools_ap_of_all_and_of_any_part_of_the_images(
    seed: int, images: int, classes: int, distinct: bool
) -> None:
    scenes = Scenes(seed, images, classes, distinct=distinct)
    table = scenes.table
    chosen = np.random.default_rng(seed).random(images) < 0.6
    if images:
        assert_alike(average_precision(table), pycocotools_ap(scenes))
    if chosen.any():
        part = pycocotools_ap(scenes, table.image_ids[chosen].tolist())
        assert_alike(average_precision(table, chosen.astype(float)), part)


@given(seed=st.integers(0, 10**6), classes=st.integers(1, 4), crowds=st.sampled_from([0.0, 0.4]))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_a_weight_is_so_many_copies_of_the_image(seed: int, classes: int, crowds: float) -> None:
    scenes = Scenes(seed, 7, classes, crowds=crowds)
    weights = np.random.default_rng(seed).integers(0, 4, 7)
    if weights.any():
        assert_alike(average_precision(scenes.table, weights), pycocotools_ap(scenes.repeated(weights.tolist())))


def test_its_mean_is_the_ap_and_the_ap50_of_the_12_numbers() -> None:
    scenes = Scenes(5, 40)
    metrics, values = mask_metrics(scenes.truth, scenes.results), average_precision(scenes.table)
    assert 0.05 < metrics["AP"] < 0.9
    assert mean_ap(values) == pytest.approx(metrics["AP"], abs=1e-12)
    assert mean_ap(values[:, :1]) == pytest.approx(metrics["AP50"], abs=1e-12)


def test_many_sets_of_weights_at_once_are_each_by_itself() -> None:
    table = Scenes(3, 20, distinct=False).table
    weights = np.random.default_rng(0).integers(0, 3, (6, 20)).astype(float)
    weights[4] = 0
    together = WeightedAP(table)(weights)
    for values, own in zip(together, weights, strict=True):
        np.testing.assert_array_equal(values, average_precision(table, own))
    means = mean_aps(together)
    assert np.isnan(means[4])
    assert means[0] == pytest.approx(mean_ap(together[0]))


def test_a_class_without_an_object_that_counts_has_no_ap() -> None:
    table = Scenes(1, 8).table
    values = average_precision(table, np.zeros(8))
    assert np.isnan(values).all()
    assert mean_ap(values) is None


def test_without_detections_ap_is_0() -> None:
    scenes = Scenes(1, 8, crowds=0)
    scenes.results = []
    assert mean_ap(average_precision(scenes.table)) == 0
