"""A real chain, made by the real commands on drawn images, and asked back from a real endpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from sparseinst.cli import cli
from sparseinst.data.categories import Category
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.errors import LineageError
from sparseinst.files import sha256_of_file
from sparseinst.lineage.tell import tree
from sparseinst.lineage.trace import trace
from sparseinst.manifest import read_manifest
from sparseinst.model.network import SparseInst
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout import deploy
from sparseinst.serving.rollout.configuration import config_text, parse_config
from sparseinst.storage import Storage
from sparseinst.training.checkpoint import Checkpoint, save_checkpoint
from tests.serving import tiny
from tests.training import recipe

KINDS = ["endpoint", "deployment", "export", "checkpoint", "dataset", "gate", "metrics"]


def sparseinst(*arguments: object) -> str:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False).stdout


def problems_of(version: str) -> list[str]:
    try:
        return trace(version).problems()
    except LineageError as error:  # the manifest that all begins with
        assert "no version with a readable manifest" in error.problem
        return ["manifest.json cannot be read"]


def lively_weights(path: Path) -> Path:
    """A checkpoint to start from whose masks are not flat: of flat ones no export can prove that it answers alike."""
    torch.manual_seed(0)
    config = recipe.recipe()
    model = SparseInst(config.model, num_classes=4)
    with torch.no_grad():
        for layer in (branch := model.decoder.inst_branch).iam_conv, branch.mask_kernel, branch.cls_score:
            layer.weight.normal_(std=0.5)
    categories = [Category(place, name) for place, name in enumerate(("disc", "triangle", "cross", "ring"), 1)]
    save_checkpoint(path, Checkpoint(model.state_dict(), config, categories, 0))
    return path


@pytest.fixture(scope="module")
def run(environment: stack.StackState, kept_name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run from ingest to deploy."""
    run = tmp_path_factory.mktemp("chain") / "run"
    ingest("sample", run / "dataset", IngestSettings(train_images=4, val_images=2, version="md5:77.dir"))
    start = lively_weights(run.parent / "start.pt")
    config = recipe.recipe(iterations=1, weights=str(start))
    sparseinst(*recipe.command(run / "dataset", run / "train", config, "--nproc", "1")[3:])
    checkpoint = run / "train" / "checkpoint.pt"
    sparseinst("evaluate", "--data", run / "dataset", "--model", checkpoint, "--output", run / "evaluate")
    sparseinst("gate", "--candidate", run / "evaluate", "--output", run / "gate")
    sparseinst("export", "--checkpoint", checkpoint, "--output", run / "export", "--name", kept_name)
    folders = ("--evaluation", run / "evaluate", "--gate", run / "gate")
    place = ("--to", environment.model_repository, "--url", environment.triton_url)
    sparseinst("deploy", "--repository", run / "export", *folders, *place)
    return run


@pytest.fixture
def endpoint(run: Path, environment: stack.StackState, kept_name: str) -> str:
    return f"grpc://{environment.triton_url}/{kept_name}"


def test_an_endpoint_tells_its_data_its_code_its_numbers_and_its_decision(
    run: Path, endpoint: str, environment: stack.StackState
):
    lineage = trace(endpoint, search=[run.parent], repository=environment.model_repository)
    assert lineage.problems() == []
    assert [node.kind for node in lineage.nodes()] == KINDS
    assert not any(node.is_copy for node in lineage.nodes())
    text = "\n".join(tree(lineage))
    assert f"weights that training started from, SHA-256 {sha256_of_file(run.parent / 'start.pt')[:12]}" in text
    commit = read_manifest(run / "train")["made"]["commit"]
    for fact in ("data version md5:77.dir", "4 train images", "1 iterations", f"code {commit}", "on 2 images"):
        assert fact in text
    ids = {node.kind: node.id for node in lineage.nodes()}
    folders = {"dataset": "dataset", "checkpoint": "train", "metrics": "evaluate", "gate": "gate", "export": "export"}
    assert {kind: ids[kind] for kind in folders} == {k: read_manifest(run / f)["id"] for k, f in folders.items()}


def test_the_chain_of_ids_is_that_of_the_files_themselves(run: Path):
    checkpoint = sha256_of_file(run / "train" / "checkpoint.pt")
    assert read_manifest(run / "export")["inputs"]["checkpoint"] == checkpoint
    assert read_manifest(run / "evaluate")["inputs"]["model"] == checkpoint
    assert read_manifest(run / "gate")["inputs"]["metrics"] == read_manifest(run / "evaluate")["id"]


def test_the_command_ends_with_0_where_all_is_whole_and_with_11_where_a_file_was_changed(
    run: Path, endpoint: str, environment: stack.StackState
):
    to = ("--to", environment.model_repository)
    told = json.loads(sparseinst("lineage", endpoint, *to, "--json", "--search", run))
    assert (told["whole"], [artifact["kind"] for artifact in told["artifacts"]]) == (True, KINDS)
    assert "whole: 3 artifacts" in sparseinst("lineage", run / "evaluate")
    file = run / "train" / "checkpoint.pt"
    before = file.read_bytes()
    file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        with pytest.raises(LineageError) as broken:
            sparseinst("lineage", endpoint, *to, "--search", run)
        assert broken.value.exit_code == 11
        assert len(broken.value.details) == 1 and "checkpoint.pt was changed" in broken.value.details[0]
        assert "files were not looked at" in sparseinst("lineage", run / "export", "--quick")
    finally:
        file.write_bytes(before)


def test_the_repository_alone_answers_and_every_change_in_it_is_found(
    run: Path, endpoint: str, kept_name: str, environment: stack.StackState, models: Storage, tmp_path: Path
):
    hidden = shutil.move(run, tmp_path / "hidden")
    try:
        lineage = trace(endpoint, repository=environment.model_repository)
        assert [node.kind for node in lineage.nodes()] == KINDS
        assert lineage.problems() == []
        for key in models.list(f"{kept_name}/1"):
            before = models.read_bytes(key)
            models.write_bytes(key, before[:-2] + bytes([before[-2] ^ 1]) + before[-1:])
            found = problems_of(f"{models.uri}/{kept_name}/1")
            models.write_bytes(key, before)
            assert any(key.split("/")[-1] in problem for problem in found), (key, found)
    finally:
        shutil.move(hidden, run)


def test_a_server_that_serves_something_else_than_the_repository_says_is_found_out(
    run: Path, endpoint: str, kept_name: str, environment: stack.StackState, models: Storage
):
    key = f"{kept_name}/config.pbtxt"
    before = models.read_bytes(key)
    config = parse_config(before, key)
    models.write_bytes(key, config_text(config, name=kept_name, version=7))
    try:
        problems = trace(endpoint, search=[run], repository=environment.model_repository, with_files=False).problems()
        assert any("puts version 7 into service, not 1" in problem for problem in problems)
        changed = parse_config(before, key)
        changed.parameters["sparseinst"].string_value = '{"model": "another"}'
        models.write_bytes(key, config_text(changed, name=kept_name, version=1))
        with Connection(environment.triton_url, timeout_s=60) as triton:
            triton.load(kept_name)
        problems = trace(endpoint, search=[run], repository=environment.model_repository, with_files=False).problems()
        assert any("describes another model" in problem for problem in problems)
    finally:
        models.write_bytes(key, before)
        with Connection(environment.triton_url, timeout_s=60) as triton:
            triton.load(kept_name)


def test_a_model_that_is_not_served_is_refused(run: Path, environment: stack.StackState):
    with pytest.raises(LineageError, match="does not serve 'nobody'"):
        trace(f"grpc://{environment.triton_url}/nobody", repository=environment.model_repository)


def test_a_server_that_answers_otherwise_than_its_version_is_found_out(
    environment: stack.StackState, models: Storage, name: str, tmp_path: Path
):
    """The repository is as it was; what the server has loaded is another model with the same description."""
    export = tiny.write_export(tmp_path / "export", name, gain=0.1)
    deploy(export, environment.model_repository, environment.triton_url, front_door=False)
    where = {"repository": environment.model_repository}
    assert trace(f"grpc://{environment.triton_url}/{name}", **where).problems() == []  # type: ignore[arg-type]
    key = f"{name}/1/model.pt"
    right = models.read_bytes(key)
    tiny.save(tiny.Tiny(0.9), tmp_path / "wrong.pt")
    models.write_bytes(key, (tmp_path / "wrong.pt").read_bytes())
    with Connection(environment.triton_url, timeout_s=60) as triton:
        triton.unload(name)
        triton.load(name)
    models.write_bytes(key, right)
    (problem,) = trace(f"grpc://{environment.triton_url}/{name}", **where).problems()  # type: ignore[arg-type]
    assert "answers differ from the export's for 3 of 3 golden images" in problem
