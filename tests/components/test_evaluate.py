"""The evaluate step on a real model: what it leaves for Kubeflow, for the gate and for people."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Markdown, Metrics, Model

from components.evaluate.component import evaluate
from sparseinst.evaluation.analysis.table import MatchTable
from sparseinst.steps import STEPS_FILE
from tests.evaluation.conftest import checkpoint, dataset  # noqa: F401

OUTPUTS = {
    "scores": Metrics,
    "confusion": ClassificationMetrics,
    "report": Artifact,
    "pictures": HTML,
    "summary": Markdown,
}


@pytest.fixture(scope="module")
def made(dataset: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: F811
    """The step's outputs, and what it told the run."""
    place = tmp_path_factory.mktemp("step")
    outputs = {name: kind(uri=str(place / "artifacts" / name)) for name, kind in OUTPUTS.items()}
    (place / "artifacts").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STEPS_FILE, str(place / "steps.jsonl"))
        evaluate.python_func(
            dataset=Dataset(uri=str(dataset), metadata={"location": str(dataset)}),
            model=Model(uri=str(checkpoint)),
            folder=str(place / "run"),
            **outputs,
        )
    facts = json.loads((place / "steps.jsonl").read_text().splitlines()[-1])["facts"]
    return SimpleNamespace(**outputs, facts=facts, folder=place / "run" / "evaluate")


def test_the_report_is_a_folder_with_the_metrics_and_the_matches(made: Any) -> None:
    metrics = json.loads((Path(made.report.path) / "metrics.json").read_text())
    assert metrics == json.loads((made.folder / "metrics.json").read_text())
    table = MatchTable.load(Path(made.report.path) / "matches.npz")
    assert table.dataset == metrics["dataset"]


def test_numbers_that_are_defined_are_logged_for_the_comparison_of_runs(made: Any) -> None:
    metrics = json.loads((Path(made.report.path) / "metrics.json").read_text())
    logged = made.scores.metadata
    assert logged["AP"] == metrics["AP"]
    assert logged["latency_p50_ms"] == metrics["speed"]["latency_ms"]["p50"]
    assert None not in logged.values()


def test_the_page_and_its_summary_are_of_these_numbers(made: Any) -> None:
    assert Path(made.pictures.path).read_bytes() == (made.folder / "report.html").read_bytes()
    assert f"{made.scores.metadata['AP']:.3f}" in Path(made.summary.path).read_text()


def test_the_table_of_confusions_is_the_one_of_the_metrics(made: Any) -> None:
    told = json.loads((Path(made.report.path) / "metrics.json").read_text()).get("confusion")
    shown = made.confusion.metadata.get("confusionMatrix")
    assert bool(shown) == bool(told)
    if told:
        assert [each["displayName"] for each in shown["annotationSpecs"]] == told["names"]
        assert [each["row"] for each in shown["rows"]] == told["counts"]


def test_the_run_is_told_the_ap_and_where_the_pictures_are(made: Any) -> None:
    assert made.facts["AP"] == made.scores.metadata["AP"]
    assert Path(made.facts["pictures"]).is_file()
    assert Path(made.facts["report"]).is_file()
