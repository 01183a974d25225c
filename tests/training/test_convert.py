"""`sparseinst convert`: others' checkpoints become ours, and ours theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from sparseinst.cli import cli
from sparseinst.config import RunConfig
from sparseinst.data.categories import Category
from sparseinst.data.coco_categories import COCO_CATEGORIES
from sparseinst.data.config import InputConfig
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import ConfigError, DatasetError, SparseInstError
from sparseinst.files import sha256_of_file
from sparseinst.manifest import read_manifest
from sparseinst.model.network import SparseInst, build_model
from sparseinst.model.weights.layouts import to_mmdet
from sparseinst.training.checkpoint import Checkpoint, load_checkpoint, restore_model, save_checkpoint
from sparseinst.training.convert import convert
from tests.tiny import TINY

CONFIG = RunConfig(model=TINY, input=InputConfig(short_side=64, longest_side=96))


def network(classes: int) -> SparseInst:
    torch.manual_seed(0)
    return SparseInst(TINY, classes)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG.to_dict()))
    return str(path)


def saved(path: Path, content: Any) -> str:
    torch.save(content, path)
    return str(path)


def annotations(path: Path, *names: str) -> Path:
    listed = [{"id": 10 * index, "name": name} for index, name in enumerate(names, start=1)]
    path.write_text(json.dumps({"images": [], "annotations": [], "categories": listed}))
    return path


def same(one: Any, other: Any) -> bool:
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def run(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False)


def test_an_authors_trainer_checkpoint_becomes_one_that_predicts(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = build_model("sparse_inst_r18_giam").state_dict()
    moments = {"state": {index: {"exp_avg": torch.zeros(1_000_000)} for index in range(5)}}
    source = saved(tmp_path / "model_final.pth", {"model": state, "optimizer": moments, "iteration": 269_999})
    del moments
    result = json.loads(run("convert", source, "--output", tmp_path / "ours", "--json").stdout)
    file = tmp_path / "ours" / "checkpoint.pt"
    assert result["checkpoint"] == str(file) and result["config"] == "sparse_inst_r18_giam"
    assert result["bytes_before"] - result["bytes_after"] > 19e6
    checkpoint = load_checkpoint(file)
    assert same(checkpoint.weights, state) and checkpoint.iteration == 269_999
    assert list(checkpoint.categories) == list(COCO_CATEGORIES)
    manifest = read_manifest(tmp_path / "ours")
    assert manifest["inputs"] == {"weights": sha256_of_file(Path(source))}
    assert manifest["files"] == {"checkpoint.pt": checkpoint.sha256}
    Image.new("RGB", (60, 40), (200, 30, 30)).save(tmp_path / "a.png")
    found = json.loads(run("predict", tmp_path / "a.png", "--model", file, "--min-score", 0, "--json").stdout)
    assert len(found["categories"]) == 80 and found["categories"][79] == {"id": 90, "name": "toothbrush"}


def test_mmdetections_checkpoint_brings_its_own_classes(tmp_path: Path, config: str) -> None:
    state = network(2).state_dict()
    meta = {"iter": 500, "dataset_meta": {"classes": ("bolt", "nut")}}
    source = saved(tmp_path / "iter_500.pth", {"state_dict": to_mmdet(state), "meta": meta})
    out = run("convert", source, "--config", config, "--output", tmp_path / "ours").stdout
    assert "2: bolt, nut" in out and "next:" in out
    checkpoint = load_checkpoint(tmp_path / "ours" / "checkpoint.pt")
    assert same(checkpoint.weights, state) and checkpoint.iteration == 500
    assert list(checkpoint.categories) == [Category(1, "bolt"), Category(2, "nut")]
    restore_model(checkpoint)


def test_cocos_classes_keep_cocos_ids_and_80_others_their_names(tmp_path: Path, config: str) -> None:
    state = to_mmdet(network(80).state_dict())
    coco = [category.name for category in COCO_CATEGORIES]
    for classes, expected in (
        (coco, list(COCO_CATEGORIES)),
        (coco[::-1], [Category(index + 1, name) for index, name in enumerate(coco[::-1])]),
    ):
        content = {"state_dict": state, "meta": {"dataset_meta": {"classes": tuple(classes)}}}
        result = convert(saved(tmp_path / "w.pth", content), tmp_path / "ours", config=config)
        assert list(result.categories) == expected


def test_categories_come_from_an_annotation_file(tmp_path: Path, config: str) -> None:
    source = saved(tmp_path / "w.pth", network(2).state_dict())
    file = annotations(tmp_path / "train.json", "bolt", "nut")
    result = convert(source, tmp_path / "ours", config=config, categories=file)
    assert result.categories == [Category(10, "bolt"), Category(20, "nut")]
    with pytest.raises(ConfigError, match="3 categories, the model knows 2 classes"):
        annotations(file, "bolt", "nut", "screw")
        convert(source, tmp_path / "other", config=config, categories=file)
    with pytest.raises(DatasetError):
        file.write_text("{}")
        convert(source, tmp_path / "other", config=config, categories=file)
    content = {"state_dict": to_mmdet(network(2).state_dict()), "meta": {"dataset_meta": {"classes": ("nut", "bolt")}}}
    with pytest.raises(ConfigError, match="another order"):
        annotations(file, "bolt", "nut")
        convert(saved(tmp_path / "m.pth", content), tmp_path / "other", config=config, categories=file)
    assert not (tmp_path / "other").exists()


def test_unknown_classes_are_counted_with_a_warning(
    tmp_path: Path, config: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = convert(saved(tmp_path / "w.pth", network(2).state_dict()), tmp_path / "ours", config=config)
    assert [category.name for category in result.categories] == ["class 1", "class 2"]
    assert "--categories FILE" in caplog.text


def test_our_own_state_for_resuming_becomes_a_model_alone(tmp_path: Path) -> None:
    state, categories = network(2).state_dict(), [Category(4, "bolt"), Category(7, "nut")]
    training = {"optimizer": torch.zeros(1_000_000)}
    save_checkpoint(tmp_path / "state.pt", Checkpoint(state, CONFIG, categories, 30, DataOrigin("data-1"), training))
    result = convert(str(tmp_path / "state.pt"), tmp_path / "ours")
    checkpoint = load_checkpoint(result.file)
    assert result.bytes_before - result.bytes_after > 3e6
    assert same(checkpoint.weights, state) and checkpoint.training is None and checkpoint.config == CONFIG
    assert (list(checkpoint.categories), checkpoint.iteration, checkpoint.data.id) == (categories, 30, "data-1")
    assert read_manifest(tmp_path / "ours")["inputs"]["dataset"] == "data-1"


def test_ours_goes_to_the_authors_and_to_mmdetection_and_comes_back(tmp_path: Path, config: str) -> None:
    state, categories = network(2).state_dict(), [Category(1, "bolt"), Category(2, "nut")]
    save_checkpoint(tmp_path / "checkpoint.pt", Checkpoint(state, CONFIG, categories, 30))
    for target in ("authors", "mmdet"):
        out = run("convert", tmp_path / "checkpoint.pt", "--to", target, "--output", tmp_path / target).stdout
        file = tmp_path / target / "tiny.pth"
        assert str(file) in out and list(read_manifest(file.parent)["files"]) == ["tiny.pth"]
        content = torch.load(file, weights_only=True)
        if target == "authors":
            assert list(content) == ["model"] and same(content["model"], state)
        else:
            assert same(content["state_dict"], to_mmdet(state))
            assert content["meta"]["dataset_meta"]["classes"] == ("bolt", "nut")
        back = convert(str(file), tmp_path / "back", config=config)
        assert same(load_checkpoint(back.file).weights, state)


def test_a_file_cannot_choose_where_it_is_written(tmp_path: Path) -> None:
    nasty = RunConfig.to_dict(CONFIG) | {"model": {**CONFIG.to_dict()["model"], "name": "../../nasty"}}
    path = tmp_path / "nasty.yaml"
    path.write_text(yaml.safe_dump(nasty))
    source = saved(tmp_path / "w.pth", network(2).state_dict())
    result = convert(source, tmp_path / "a" / "b" / "c", config=str(path), to="authors")
    assert result.file.parent == tmp_path / "a" / "b" / "c"


def test_what_cannot_be_converted_is_said(tmp_path: Path) -> None:
    source = saved(tmp_path / "w.pth", network(2).state_dict())
    with pytest.raises(ConfigError, match="No published configuration"):
        convert(source, tmp_path / "ours")
    with pytest.raises(SparseInstError, match="do not fit"):
        convert(source, tmp_path / "ours", config="sparse_inst_r18_giam")
    backbone = saved(tmp_path / "b.pth", {"conv1.weight": torch.zeros(64, 3, 7, 7), "fc.bias": torch.zeros(9)})
    with pytest.raises(SparseInstError, match="not a whole SparseInst network") as caught:
        convert(backbone, tmp_path / "ours")
    assert "train.weights" in caught.value.fix
    assert not (tmp_path / "ours").exists()


def test_cocos_classes_are_those_of_cocos_files(shared: Path) -> None:
    files = sorted((shared / "data/coco2017-mini").rglob("instances_*.json"))
    listed = json.loads(files[0].read_text())["categories"]
    assert [(entry["id"], entry["name"]) for entry in listed] == [(c.id, c.name) for c in COCO_CATEGORIES]


def test_the_output_may_be_a_file(config: str, tmp_path: Path) -> None:
    source = saved(tmp_path / "theirs.pth", {"model": network(3).state_dict()})
    result = convert(source, tmp_path / "out" / "ours.pt", config=config)
    assert result.file == tmp_path / "out" / "ours.pt"
    assert sorted(path.name for path in result.file.parent.iterdir()) == ["ours.pt", "ours.pt.manifest.json"]
    assert same(load_checkpoint(result.file).weights, network(3).state_dict())
    back = convert(str(result.file), tmp_path / "back.pth", to="mmdet")
    assert same(torch.load(back.file, weights_only=True)["state_dict"], to_mmdet(network(3).state_dict()))
