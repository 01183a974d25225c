"""One checkpoint, evaluated as it is, exported, and served by Triton: the same numbers, and the same detections."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from pycocotools import mask as coco_mask

from sparseinst.config import RunConfig
from sparseinst.data.categories import Category, load_categories
from sparseinst.data.config import InputConfig
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.evaluation.coco.numbers import NUMBERS, mask_metrics
from sparseinst.evaluation.evaluate import evaluate
from sparseinst.export.export import ExportOptions, export
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from sparseinst.serving import stack
from sparseinst.serving.rollout import deploy
from sparseinst.storage import open_storage
from sparseinst.training.checkpoint import Checkpoint, save_checkpoint
from tests.serving.conftest import new_name, remove

MINI = Path(__file__).parents[3] / "shared/data/coco2017-mini"
MODEL = ModelConfig(
    backbone="resnet18", backbone_width=16, norm="bn", encoder_channels=32, num_masks=20, instance_dim=32, mask_dim=32
)


@dataclass
class Evaluated:
    metrics: dict[str, Any]
    detections: list[dict[str, Any]]
    truth: dict[str, Any]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "data"
    return ingest("sample", folder, IngestSettings(train_images=2, val_images=10)).location


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 photographs of COCO, of several sizes, one of them grey."""
    if not MINI.is_dir():
        pytest.skip(f"needs photographs: {MINI} is not there")
    folder = tmp_path_factory.mktemp("mini")
    coco = json.loads((MINI / "annotations/instances_val2017.json").read_text())
    coco["images"] = coco["images"][::7]
    kept = {image["id"] for image in coco["images"]}
    coco["annotations"] = [entry for entry in coco["annotations"] if entry["image_id"] in kept]
    (folder / "annotations").mkdir()
    (folder / "annotations/val.json").write_text(json.dumps(coco))
    (folder / "images").mkdir()
    for image in coco["images"]:
        shutil.copy(MINI / "images/val2017" / image["file_name"], folder / "images")
    return folder


def three_ways(data: Path, servers: stack.StackState, folder: Path, side: int) -> dict[str, Evaluated]:
    """Evaluates a network with random weights, whose classes and masks differ from image to image."""
    truth = json.loads((data / "annotations/val.json").read_text())
    categories: list[Category] = load_categories(truth)
    torch.manual_seed(1)
    model = SparseInst(MODEL, num_classes=len(categories))
    branch = model.decoder.inst_branch
    torch.nn.init.normal_(branch.cls_score.weight, std=0.5)
    torch.nn.init.normal_(branch.mask_kernel.weight, std=0.2)  # masks with edges, not flat ones at the threshold
    config = RunConfig(model=MODEL, input=InputConfig(short_side=side, longest_side=2 * side))
    save_checkpoint(folder / "checkpoint.pt", Checkpoint(model.state_dict(), config, categories, 1))
    name = new_name()
    export(folder / "checkpoint.pt", folder / "export", ExportOptions(name=name))
    try:
        served = deploy(folder / "export", servers.model_repository, servers.triton_url, front_door=False)
        ways = {
            "eager": str(folder / "checkpoint.pt"),
            "exported": str(folder / "export" / name / "1/model.pt"),
            "served": served.endpoint,
        }
        return {way: _evaluated(data, model, folder / way, truth) for way, model in ways.items()}
    finally:
        remove(servers, open_storage(servers.model_repository), name)


def _evaluated(data: Path, model: str, output: Path, truth: dict[str, Any]) -> Evaluated:
    metrics = evaluate(data, "val", model, output, picture_count=1)
    return Evaluated(metrics, json.loads((output / "detections.json").read_text()), truth)


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The speckled masks of random weights take seconds to draw, and nobody looks at them here."""
    monkeypatch.setattr("sparseinst.evaluation.pictures.draw", lambda pixels, *_, **__: pixels)


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("source", ["sample", "mini"])
def test_three_forms_of_a_model_have_one_ap(
    source: str, request: pytest.FixtureRequest, environment: stack.StackState, tmp_path: Path
) -> None:
    data = request.getfixturevalue(source)
    found = three_ways(data, environment, tmp_path, side=96 if source == "sample" else 160)
    eager = found["eager"]
    assert len(as_truth(eager)["annotations"]) > 2 * eager.metrics["images"]
    for way in ("exported", "served"):
        for name in NUMBERS:
            assert found[way].metrics[name] == pytest.approx(eager.metrics[name], abs=1e-3), (way, name)
        # With random weights AP says little: the detections themselves are compared.
        assert mask_metrics(as_truth(eager), found[way].detections)["AP"] > 0.97
    assert len(found["served"].detections) == len(found["exported"].detections)
    assert mask_metrics(as_truth(found["exported"]), found["served"].detections)["AP"] > 0.99
    assert found["served"].metrics["speed"]["device"].startswith("Triton at 127.0.0.1")


def as_truth(evaluated: Evaluated) -> dict[str, Any]:
    """The detections with a mask, as if they were the truth."""
    entries = [
        {"id": number, "iscrowd": 0, **{key: found[key] for key in ("image_id", "category_id", "segmentation")}}
        for number, found in enumerate(evaluated.detections)
        if coco_mask.area(found["segmentation"])
    ]
    return {**evaluated.truth, "annotations": entries}
