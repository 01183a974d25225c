"""The gate of the pipeline: a candidate against what the repository serves, and against a real endpoint if it must."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from sparseinst.data.ingest import ingest
from sparseinst.errors import ConfigError
from sparseinst.evaluation.evaluate import evaluate_detections
from sparseinst.evaluation.gate.in_service import judge_against_service
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.gate.verdict import Verdict
from sparseinst.files import write_json
from sparseinst.serving import stack
from sparseinst.serving.rollout import deploy
from tests.evaluation.gate.measured import metrics
from tests.serving import tiny
from tests.serving.rollout.test_evidence import publish
from tests.serving.run_folder import evaluate, make_run

NOBODY = ("", "")
NOWHERE = "127.0.0.1:1"
SQUARE = [[8, 8, 40, 8, 40, 40, 8, 40]]


def candidate(folder: Path, ap: float | None = 0.6, **changes: object) -> Path:
    evaluate(folder / "new", metrics(ap, **changes), "c" * 64, {})
    return folder / "new"


def judged(folder: Path, new: Path, models: Path, policy: Policy | None = None, **options: object) -> Verdict:
    settings = {"data": folder, "place": (str(models), "m", NOWHERE), "forced_by": NOBODY, "output": folder / "gate"}
    return judge_against_service(new, policy or Policy(), **{**settings, **options})  # type: ignore[arg-type]


def written(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "gate" / "gate.json").read_text())
    return content


def test_a_first_deployment_passes_on_the_thresholds_alone(tmp_path: Path):
    verdict = judged(tmp_path, candidate(tmp_path), tmp_path / "models", Policy(min_ap=0.5))
    assert verdict.decision == "pass"
    assert written(tmp_path)["incumbent"] is None


@pytest.mark.parametrize(("ap", "decision"), [(0.6, "pass"), (0.61, "pass"), (0.59, "fail")])
def test_the_candidate_is_held_against_the_numbers_that_the_served_version_was_deployed_with(
    tmp_path: Path, ap: float, decision: str
):
    publish(make_run(tmp_path / "run", ap=0.6), tmp_path / "models")
    assert judged(tmp_path, candidate(tmp_path, ap), tmp_path / "models").decision == decision
    assert written(tmp_path)["incumbent"]["AP"] == 0.6  # type: ignore[index]


@pytest.mark.parametrize("with_evidence", [True, False])
def test_where_the_served_model_cannot_be_compared_and_does_not_answer_a_person_decides(
    tmp_path: Path, with_evidence: bool
):
    run = make_run(tmp_path / "run", changes={"dataset": "e" * 64})
    publish(run, tmp_path / "models", with_evidence=with_evidence)
    verdict = judged(tmp_path, candidate(tmp_path, 0.9), tmp_path / "models")
    assert verdict.decision == "investigate"
    words = "different data" if with_evidence else "deployed without its evaluation, and grpc://127.0.0.1:1/m/1 cannot"
    assert words in verdict.deciding()[0]


def test_on_other_data_the_policy_may_let_the_thresholds_decide(tmp_path: Path):
    publish(make_run(tmp_path / "run", changes={"dataset": "e" * 64}), tmp_path / "models")
    policy = Policy(on_other_data="thresholds")
    assert judged(tmp_path, candidate(tmp_path, 0.1), tmp_path / "models", policy).decision == "pass"


def test_a_pass_is_forced_by_a_name_with_a_reason_only(tmp_path: Path):
    new, models = candidate(tmp_path, 0.1), tmp_path / "models"
    strict = Policy(min_ap=0.5)
    with pytest.raises(ConfigError, match="why"):
        judged(tmp_path, new, models, strict, forced_by=("Ada", ""))
    assert not (tmp_path / "gate").exists(), "refused before anything was measured"
    assert judged(tmp_path, new, models, strict, forced_by=("Ada", "a trial")).decision == "pass"
    assert written(tmp_path)["forced"]["instead_of"] == "fail"  # type: ignore[index]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of the classes that the tiny model knows."""
    source = tmp_path_factory.mktemp("source")
    (source / "annotations").mkdir()
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        (source / "images" / split).mkdir(parents=True)
        Image.fromarray(random.integers(0, 256, (48, 64, 3), np.uint8)).save(source / "images" / split / f"{split}.png")
        square = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": SQUARE, "area": 1024, "iscrowd": 0}
        content = {
            "images": [{"id": 1, "file_name": f"{split}/{split}.png", "width": 64, "height": 48}],
            "categories": [{"id": 1, "name": "bright"}, {"id": 5, "name": "dark"}],
            "annotations": [{**square, "bbox": [8, 8, 32, 32]}],
        }
        write_json(source / "annotations" / f"{split}.json", content)
    return ingest(str(source), tmp_path_factory.mktemp("data") / "data").location


def test_an_endpoint_that_was_measured_on_other_data_is_measured_again_on_the_candidates(
    servers: stack.StackState, name: str, data: Path, tmp_path: Path
):
    run = make_run(tmp_path / "run", name, changes={"dataset": "e" * 64})
    folders = {"evaluation": run / "evaluate", "gate": run / "gate"}
    deploy(run / "export", servers.model_repository, servers.triton_url, front_door=False, **folders)

    rle = coco_mask.frPyObjects(SQUARE, 48, 64)[0]
    segmentation = {"size": [48, 64], "counts": rle["counts"].decode()}
    found = {"image_id": 1, "category_id": 1, "score": 0.9, "segmentation": segmentation}
    write_json(tmp_path / "found.json", [found])
    evaluate_detections(tmp_path / "found.json", data / "annotations" / "val.json", tmp_path / "new")
    place = (servers.model_repository, name, servers.triton_url)
    verdict = judge_against_service(
        tmp_path / "new", Policy(), data=data, place=place, forced_by=NOBODY, output=tmp_path / "gate"
    )
    told = written(tmp_path)
    assert told["incumbent"]["dataset"] == told["candidate"]["dataset"]  # type: ignore[index]
    assert told["incumbent"]["model"]["source"] == f"grpc://{servers.triton_url}/{name}/1"  # type: ignore[index]
    assert verdict.decision == "pass", verdict
    assert tiny.METADATA["checkpoint_sha256"] == told["incumbent"]["model"]["checkpoint_sha256"]  # type: ignore[index]
