"""The whole pipeline without a volume: each step on a machine of its own, with nothing but the bucket in between.

The servers are real: S3 for the run, the data and the models, and Triton.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Markdown, Metrics, Model, PipelineTaskFinalStatus

from components.deploy.component import deploy
from components.evaluate.component import evaluate
from components.export.component import export
from components.finish.component import finish
from components.gate.component import gate
from components.ingest.component import ingest
from components.train.component import train
from sparseinst.data.ingest import IngestSettings
from sparseinst.data.ingest import ingest as draw
from sparseinst.errors import StackError
from sparseinst.serving import stack
from sparseinst.serving.stack import triton
from sparseinst.steps import STEPS_FILE
from sparseinst.storage import open_storage
from sparseinst.workspace.scratch import SCRATCH

pytestmark = pytest.mark.stack

SMALL = (
    *("train.batch_size=4", "train.iterations=6", "train.log_every=2", "train.eval_every=0", "input.workers=0"),
    *("input.train_short_sides=[48, 64]", "input.train_longest_side=96", "input.short_side=64"),
    "input.longest_side=96",
)
WORKSPACE, RUN = "s3://data/scratch/{run}", "run-1"
FOLDER = f"s3://data/scratch/{RUN}"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.StackState]:
    try:
        triton.require_program()
    except StackError as error:
        pytest.skip(f"the Triton server is not installed: {error}")
    root = tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch:
        state = stack.up(root)
        try:
            for name, value in state.environment().items():
                patch.setenv(name, value)
            yield state
        finally:
            stack.down(root)


class Run:
    """Artifacts as Kubeflow carries them: a file that is copied, and metadata. Everything else has to be fetched."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self.artifacts: dict[str, Any] = {}

    def step(self, component: Any, outputs: Mapping[str, Callable[..., Any]], **inputs: Any) -> Any:
        """Runs a component on a new machine; its outputs are kept by their names."""
        name = component.name
        self._patch.setenv(SCRATCH, str(self.folder / "machines" / name))
        place = self.folder / "artifacts" / name
        place.mkdir(parents=True)
        made = {output: kind(name=output, uri=str(place / output)) for output, kind in outputs.items()}
        result = component.python_func(**inputs, **made)
        self.artifacts.update(made)
        return result

    def text(self, name: str) -> str:
        return Path(self.artifacts[name].path).read_text()


@pytest.fixture(scope="module")
def run(servers: stack.StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run from drawn images to a served model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(STEPS_FILE, raising=False)
        made = Run(tmp_path_factory.mktemp("run"), patch)
        of = made.artifacts
        outputs: dict[str, Any] = {"dataset": Dataset, "report": HTML, "counts": Metrics}
        draw("sample", made.folder / "shapes", IngestSettings(train_images=8, val_images=3))
        told = {
            "source": str(made.folder / "shapes"),
            "data_version": "v7",
            "options": {},
            "workspace": WORKSPACE,
            "run_id": RUN,
        }
        folder = made.step(ingest, outputs, **told)
        assert folder == FOLDER
        place = {"folder": folder, "dataset": of["dataset"]}
        settings = {"config": "sample", "overrides": list(SMALL), "seed": 1, "gpus": 0}
        made.step(train, {"model": Model, "report": HTML, "scores": Metrics}, **place, **settings)
        outputs = {"scores": Metrics, "confusion": ClassificationMetrics, "report": Artifact, "pictures": HTML}
        made.step(evaluate, {**outputs, "summary": Markdown}, **place, model=of["model"])
        where = {"model_repository": "s3://models", "triton_url": servers.triton_url}
        rules = {"min_ap": 0.0, "policy": {}, "force_by": "", "force_why": "", "model_name": "bucketed"}
        outputs = {"decision": Artifact, "verdict": Markdown}
        assert made.step(gate, outputs, **place, report=of["report"], **rules, **where) == "pass"
        outputs = {"repository": Artifact, "parity": Markdown}
        made.step(export, outputs, **place, model=of["model"], model_name="bucketed")
        outputs = {"deployment": Artifact, "serving": Markdown, "lineage": Markdown}
        chosen = {"repository": of["repository"], "decision": of["decision"], "client_url": "triton.example:8001"}
        made.step(deploy, outputs, folder=folder, **chosen, **where)
        status = PipelineTaskFinalStatus("COMPLETE", "run", "run", None, None)
        made.step(finish, {"summary": Markdown}, status=status, workspace=WORKSPACE, run_id=RUN)
        yield made


def test_the_model_is_served_and_says_where(run: Run, servers: stack.StackState) -> None:
    served = {model.name: model.version for model in stack.status(servers.root).models}
    assert served["bucketed"] == "1"
    deployed = json.loads(run.text("deployment"))
    assert (deployed["name"], deployed["version"], deployed["url"]) == ("bucketed", 1, servers.triton_url)


def test_every_artifact_says_where_its_files_are_and_they_are_there(run: Run) -> None:
    for name, file in {"dataset": "annotations/val.json", "model": "checkpoint.pt", "report": "report.html"}.items():
        assert file and open_storage(run.artifacts[name].metadata["location"]).exists(file), name
    decision = run.artifacts["decision"].metadata
    assert (decision["location"], decision["evaluation"]) == (f"{FOLDER}/gate", f"{FOLDER}/evaluate")
    assert run.artifacts["repository"].metadata["location"] == f"{FOLDER}/export"


def test_the_pages_of_the_run_tell_of_the_gate_the_export_and_the_service(run: Run) -> None:
    assert run.text("verdict").startswith("# Gate: pass\n")
    assert "TorchScript on cpu, float32" in run.text("parity")
    serving = run.text("serving")
    assert serving.startswith("# bucketed version 1 serves\n")
    assert "sparseinst predict photo.jpg --model grpc://triton.example:8001/bucketed --output found" in serving
    assert "sparseinst rollback --name bucketed --to s3://models" in serving
    assert "| an image takes | not measured: nothing served before |" in serving


def test_the_lineage_is_whole_from_the_datas_version_to_the_endpoint(run: Run) -> None:
    page = run.text("lineage")
    assert page.startswith("# Lineage: whole\n")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    assert rows[2:] == ["dataset", "checkpoint", "metrics", "gate", "export", "deployment", "endpoint"]
    assert "data version v7" in page
    assert f"{FOLDER}/train" in page
    assert "machines" not in page  # no path of a machine that is gone


def test_the_repository_has_the_manifests_of_everything_after_the_run_is_gone(run: Run) -> None:
    keys = open_storage("s3://models/bucketed/1").list()
    kinds = {key.split("-")[0] for key in keys if key.endswith(".manifest.json") and "-" in key}
    assert kinds == {"dataset", "checkpoint", "metrics", "gate", "export"}


def test_the_end_tells_the_story_of_all_steps(run: Run) -> None:
    page = run.text("summary")
    assert page.startswith("# Run succeeded after ")
    for name in ("ingest", "train", "evaluate", "gate", "export", "deploy"):
        assert f"| {name} | ✓ succeeded |" in page
    assert "| serves | bucketed version 1 at " in page
    assert f"{FOLDER}/evaluate/report.html" in page.replace("\\", "")
