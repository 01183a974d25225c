"""What is found, counted in bins that stay the same."""

from __future__ import annotations

import numpy as np

from sparseinst.evaluation.analysis.distribution import FoundColumns, distribution, found_distribution
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
    assert told["classes"] == {"names": ["cat", "dog", "bird"], "counts": [2, 2, 0]}
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
