"""What an image costs is AP with it made right, less AP as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sparseinst.evaluation.analysis.average_precision import WeightedAP, average_precision, mean_ap
from sparseinst.evaluation.analysis.costly import costly_images
from sparseinst.evaluation.analysis.influence import gains
from sparseinst.evaluation.analysis.perfected import perfected
from sparseinst.evaluation.analysis.table import IOU_THRESHOLDS, MatchTable
from sparseinst.evaluation.analysis.thresholds import best_of_each_class, best_threshold
from tests.evaluation.analysis.cases import Scenes
from tests.evaluation.analysis.tables import table_of


def listed(table: MatchTable) -> list[dict]:
    names = [f"{image}.jpg" for image in table.image_ids.tolist()]
    return costly_images(WeightedAP(table), names, best_threshold(table), best_of_each_class(table))


def made_right(table: MatchTable, image: int) -> float:
    """AP with the image's false detections taken out and its missed objects put in front, a threshold at a time."""
    values = []
    for place in range(len(IOU_THRESHOLDS)):
        false = ~table.hits[:, place] & ~table.ignored[:, place] & (table.image == image)
        missed = ~table.object_found[:, place] & (table.object_image == image)
        category = np.concatenate([table.object_category[missed], table.category[~false]])
        score = np.concatenate([np.full(missed.sum(), np.inf), table.score[~false]])
        order = np.lexsort((-score, category))
        flags = {}
        for name, value in (("hits", True), ("ignored", False)):
            new = np.full((missed.sum(), len(IOU_THRESHOLDS)), value)
            flags[name] = np.concatenate([new, getattr(table, name)[~false]])[order]
        images = np.concatenate([table.object_image[missed], table.image[~false]])[order]
        changed = replace(table, category=category[order], score=score[order], image=images, **flags)
        values.append(average_precision(changed)[:, place])
    ap = mean_ap(np.stack(values, axis=1))
    assert ap is not None
    return ap


@pytest.mark.parametrize("seed", range(4))
def test_the_cost_of_every_image_is_what_ap_gains_when_it_is_made_right(seed: int) -> None:
    table = Scenes(seed, 10, 3, distinct=seed % 2 == 0, crowds=0.2).table
    before = mean_ap(average_precision(table))
    gained = perfected(WeightedAP(table), np.arange(10))
    np.testing.assert_allclose(gained, [made_right(table, image) - before for image in range(10)], atol=1e-12)
    assert gained.max() > 0.01
    order = np.argsort(-gained, kind="stable")
    expected = [int(table.image_ids[place]) for place in order if gained[place] > 0]
    assert [entry["image_id"] for entry in listed(table)] == expected


def test_the_first_approximation_ranks_images_much_as_their_true_cost_does() -> None:
    weighted = WeightedAP(Scenes(1, 300, 2).table)
    guessed, true = gains(weighted), perfected(weighted, np.arange(300))
    dearest = np.argsort(-true)[:24]
    assert np.isin(dearest, np.argsort(-guessed)[:60]).all()
    assert np.corrcoef(guessed, true)[0, 1] > 0.9


def test_missed_and_false_are_counted_at_the_threshold_of_the_class() -> None:
    rows = [
        (0, 0, 0.9, 10),
        (0, 0, 0.3, 10),  # below the class's best threshold: as if it were not there
        (1, 0, 0.8, 0),
        (1, 0, 0.7, 10),
        (1, 0, 0.75, -1),
        *[(2, 0, 0.35, 0)] * 9,
        (2, 1, 0.2, 10),
    ]
    things = [(0, 0, 10), (0, 0, 10), (1, 0, 10), (2, 1, 10)]
    table = table_of(rows, things, images=3, classes=2)
    best = best_of_each_class(table)[0]
    assert best is not None
    assert best["score"] == 0.7
    found = {entry["file_name"]: (entry["missed"], entry["false"]) for entry in listed(table)}
    assert found == {"11.jpg": (0, 1), "12.jpg": (0, 0)}


def test_images_that_cost_nothing_are_left_out_and_at_most_24_are_listed() -> None:
    assert listed(table_of([(0, 0, 0.9, 10)], [(0, 0, 10)], images=3)) == []
    things = [(image, 0, 0) for image in range(40)]
    entries = listed(table_of([], things, images=40))
    assert len(entries) == 24
    assert all(entry["missed"] == 1 for entry in entries)


def test_without_objects_or_images_no_image_costs_anything() -> None:
    assert listed(table_of([(0, 0, 0.9, 0)], [])) == []
    assert listed(table_of([], [], images=0)) == []
