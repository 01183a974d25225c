"""What is found, counted in bins that stay the same."""

from __future__ import annotations

import numpy as np

from sparseinst.evaluation.analysis.distribution import (
    FoundColumns,
    design_effects,
    distribution,
    found_distribution,
)
from sparseinst.evaluation.coco.prepared import prepare
from tests.evaluation.analysis.cases import Scenes


def columns(*rows: tuple[float, float, int, int]) -> FoundColumns:
    """Score, area, class, image."""
    scores, areas, classes, images = zip(*rows, strict=True) if rows else ((), (), (), ())
    return FoundColumns(
        np.array(scores, np.float64), np.array(areas, np.float64), np.array(classes, int), np.array(images, int)
    )


def test_each_detection_with_a_score_of_at_least_03_is_counted_once_in_each_histogram() -> None:
    found = columns((0.3, 0, 0, 0), (0.299, 50, 1, 0), (1.0, 1024, 1, 0), (0.97, 2.0**30, 1, 2), (0.5, 1023, 0, 2))
    told = distribution(found, ["cat", "dog", "bird"], images=4)
    assert told["classes"]["names"] == ["cat", "dog", "bird"]
    assert told["classes"]["counts"] == [2, 2, 0]
    assert told["counts"]["names"] == ["0", "1", "2", "3-5", "6-10", "11-20", "21-50", "51+"]
    assert told["counts"]["counts"] == [2, 0, 2, 0, 0, 0, 0, 0]
    scores, areas = told["scores"], told["areas"]
    assert len(scores["edges"]) == 21
    assert {scores["edges"][place]: n for place, n in enumerate(scores["counts"]) if n} == {0.3: 1, 0.5: 1, 0.95: 2}
    assert {areas["edges"][place]: n for place, n in enumerate(areas["counts"]) if n} == {
        0: 1,
        512: 1,
        1024: 1,
        2.0**23: 1,  # larger than the last edge
    }


def test_numbers_of_objects_fall_into_their_bin() -> None:
    many = (1, 2, 3, 5, 6, 10, 11, 20, 21, 50, 51, 80)
    rows = [(0.9, 10.0, 0, image) for image, count in enumerate(many) for _ in range(count)]
    assert distribution(columns(*rows), ["a"], len(many))["counts"]["counts"] == [0, 1, 1, 2, 2, 2, 2, 2]


def test_the_mean_and_variance_of_the_numbers_of_objects_are_those_of_all_images() -> None:
    told = distribution(columns((0.9, 10, 0, 1), (0.9, 10, 0, 1), (0.9, 10, 0, 2)), ["a"], images=4)["counts"]
    assert told["mean"] == 0.75
    assert told["variance"] == np.var([0, 2, 1, 0], ddof=1)


def test_objects_that_come_alone_have_no_design_effect_and_objects_that_come_in_equal_groups_have_their_size() -> None:
    alone = np.array([0, 1, 2, 2, 1, 2] * 50)
    images = len(alone)
    owners = np.arange(images)
    once = images / (images - 1)
    np.testing.assert_allclose(design_effects(alone, owners, 4, images), [once, once])
    together = design_effects(np.repeat(alone, 7), np.repeat(owners, 7), 4, images)
    np.testing.assert_allclose(together, [7 * once, 7 * once])


def test_images_that_all_look_the_same_leave_nothing_to_chance() -> None:
    np.testing.assert_allclose(
        design_effects(np.tile([0, 1, 1], 20), np.repeat(np.arange(20), 3), 2, 20), [0], atol=1e-12
    )


def test_design_effects_tell_how_shares_vary_over_many_samples_of_images() -> None:
    generator = np.random.default_rng(3)
    sizes = generator.integers(0, 12, 400)
    owners = np.repeat(np.arange(400), sizes)
    favourite = generator.integers(0, 3, 400)  # of each image: most of its objects are of that class
    places = np.where(generator.random(len(owners)) < 0.6, favourite[owners], generator.integers(0, 3, len(owners)))
    table = np.zeros((400, 3))
    np.add.at(table, (owners, places), 1)
    samples = table[generator.integers(0, 400, (4000, 400))].sum(1)
    shares = samples / samples.sum(1, keepdims=True)
    scale = np.sqrt(table.sum(0) / table.sum())
    measured = np.linalg.eigvalsh(np.cov(shares / scale, rowvar=False))[:0:-1] * table.sum()
    told = design_effects(places, owners, 3, 400)
    assert told.min() > 2
    np.testing.assert_allclose(told, measured, rtol=0.1)


def test_bins_of_few_images_count_as_one() -> None:
    owners = np.arange(100)
    places = np.where(owners < 12, owners // 3 + 2, owners % 2)  # four bins of three images each, and two common ones
    rest = np.minimum(places, 2)
    assert len(design_effects(places, owners, 6, 100)) == 2
    np.testing.assert_allclose(design_effects(places, owners, 6, 100), design_effects(rest, owners, 3, 100))
    assert design_effects(places[:12], owners[:12], 6, 100).size == 0


def test_without_images_or_detections_every_bin_is_empty() -> None:
    told = distribution(columns(), [], 0)
    assert sum(sum(part["counts"]) for part in told.values()) == 0
    assert distribution(columns(), ["a"], 3)["counts"]["counts"][0] == 3


def test_of_an_evaluation_the_areas_are_those_of_the_masks() -> None:
    scenes = Scenes(1, 10)
    prepared = prepare(scenes.truth, scenes.results)
    told = found_distribution(prepared)
    kept = [result for result in scenes.results if result["score"] >= 0.3]
    for part in ("scores", "areas", "classes"):
        assert sum(told[part]["counts"]) == len(kept) > 5
    assert sum(told["counts"]["counts"]) == 10
    # Rectangles of 6 to 19 pixels a side, perhaps cut off.
    assert sum(told["areas"]["counts"][:4]) == 0
    assert sum(told["areas"]["counts"][10:]) == 0
    assert found_distribution(prepare(scenes.truth, []))["counts"]["counts"][0] == 10
