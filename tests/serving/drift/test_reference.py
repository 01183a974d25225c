"""What is read of an evaluation, and what is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.distribution import FoundColumns, distribution
from sparseinst.export.contract import fingerprint
from sparseinst.serving.drift.exposition import parse
from sparseinst.serving.drift.reference import read_reference
from sparseinst.serving.drift.traffic import live, others

METADATA = {"categories": [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}, {"id": 9, "name": "yak"}]}
FOUND = FoundColumns(
    scores=np.array([0.31, 0.62, 0.97]), areas=np.array([1, 300, 301]), classes=np.array([1, 0, 1]), images=np.arange(3)
)
METRICS = {"distribution": distribution(FOUND, ["dog", "cat"], 4)}
MARK = fingerprint(METADATA).hex()


def read(metrics, metadata=METADATA):
    return read_reference(metrics, metadata, name="m", version="2", where="m/2/metrics.json")


def test_classes_meet_by_name_and_those_that_the_data_does_not_have_come_last():
    reference = read(METRICS)
    assert reference.categories == {7: 0, 3: 1, 9: 2}
    assert reference.found.counts["classes"].tolist() == [1, 2, 0]
    assert reference.found.pictures == 4
    assert reference.found.per_picture == 0.75
    assert reference.fingerprint == MARK


def test_both_sides_have_the_same_bins():
    text = "".join(
        f'{name}{{model="{model}",fingerprint="{mark}",{labels}}} {value}\n'
        for name, model, mark, labels, value in [
            ("sparseinst_requests_total", "m", MARK, 'arm="service",outcome="ok"', 3),
            ("sparseinst_requests_total", "m", MARK, 'arm="shadow",outcome="ok"', 1),
            ("sparseinst_requests_total", "m", "", 'arm="service",outcome="failed"', 8),
            ("sparseinst_requests_total", "m", "ff", 'arm="canary",outcome="ok"', 8),
            ("sparseinst_requests_total", "n", MARK, 'arm="service",outcome="ok"', 8),
            ("sparseinst_scores_total", "m", MARK, 'bin="5"', 40),  # less than 0.3: not in the evaluation either
            ("sparseinst_scores_total", "m", MARK, 'bin="6"', 1),
            ("sparseinst_scores_total", "m", MARK, 'bin="12"', 1),
            ("sparseinst_scores_total", "m", MARK, 'bin="19"', 1),
            ("sparseinst_scores_total", "m", "ff", 'bin="19"', 1),
            ("sparseinst_areas_total", "m", MARK, 'bin="1"', 1),
            ("sparseinst_areas_total", "m", MARK, 'bin="9"', 2),
            ("sparseinst_areas_total", "m", MARK, 'bin="25"', 2),
            ("sparseinst_classes_total", "m", MARK, 'category="3"', 2),
            ("sparseinst_classes_total", "m", MARK, 'category="7"', 1),
            ("sparseinst_classes_total", "m", MARK, 'category="8"', 1),
        ]
    )
    reference, counts = read(METRICS), dict(parse(text))
    found = live(counts, reference)
    assert found.pictures == 4
    assert found.objects == 3
    for what in ("scores", "areas", "classes"):
        np.testing.assert_array_equal(found.counts[what], reference.found.counts[what])
    assert others(counts, reference) == ["ff"]


def without(*path):
    metrics = copy.deepcopy(METRICS)
    inner = metrics
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return metrics


def changed(what, name, value):
    metrics = copy.deepcopy(METRICS)
    metrics["distribution"][what][name] = value
    return metrics


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"distribution": 7},
        {"distribution": None},
        without("distribution", "scores"),
        without("distribution", "scores", "design_effects"),
        without("distribution", "counts", "variance"),
        changed("areas", "counts", ["many"]),
        changed("areas", "counts", [[1]]),
        changed("scores", "design_effects", None),
        changed("scores", "edges", [0, 0.5, 1]),
        changed("scores", "counts", [1, 2]),
        changed("classes", "counts", [1]),
    ],
)
def test_an_evaluation_that_does_not_say_what_is_needed_is_refused_with_a_way_out(metrics):
    with pytest.raises(EvaluationError) as caught:
        read(metrics)
    assert "sparseinst evaluate" in caught.value.fix
    assert caught.value.where == "m/2/metrics.json"


def test_an_evaluation_of_another_checkpoint_is_refused():
    metadata = METADATA | {"checkpoint_sha256": "a" * 64}
    with pytest.raises(EvaluationError, match="of another model"):
        read(METRICS | {"model": {"checkpoint_sha256": "b" * 64}}, metadata)
    assert read(METRICS | {"model": {"checkpoint_sha256": "a" * 64}}, metadata).version == "2"
    assert read(METRICS | {"model": {"source": "detections.json"}}, metadata).version == "2"
