"""From a served version back to the data: every artifact is found, and every change and gap is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sparseinst.errors import LineageError
from sparseinst.files import sha256_of_file, sha256_of_json, write_json
from sparseinst.lineage.node import Lineage
from sparseinst.lineage.tell import to_dict, tree
from sparseinst.lineage.trace import trace
from sparseinst.manifest import read_manifest, write_manifest
from tests.serving.rollout.test_evidence import publish
from tests.serving.run_folder import make_run

KINDS = ["deployment", "export", "checkpoint", "dataset", "gate", "metrics"]


def kinds(lineage: Lineage) -> list[str]:
    return [node.kind for node in lineage.nodes()]


def node(lineage: Lineage, kind: str):  # type: ignore[no-untyped-def]
    (found,) = [node for node in lineage.nodes() if node.kind == kind]
    return found


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("dataset", ["dataset"]),
        ("train", ["checkpoint", "dataset"]),
        ("train/checkpoint.pt", ["checkpoint", "dataset"]),
        ("evaluate", ["metrics", "checkpoint", "dataset"]),
        ("evaluate/metrics.json", ["metrics", "checkpoint", "dataset"]),
        ("gate/gate.json", ["gate", "metrics", "checkpoint", "dataset"]),
        ("export", ["export", "checkpoint", "dataset"]),
        ("export/m/1/model.pt", ["export", "checkpoint", "dataset"]),
        ("export/m", ["export", "checkpoint", "dataset"]),
        ("export/manifest.json", ["export", "checkpoint", "dataset"]),
    ],
)
def test_whatever_is_named_is_followed_back_to_the_data(run: Path, place: str, expected: list[str]):
    lineage = trace(str(run / place))
    assert kinds(lineage) == expected
    assert lineage.problems() == []


def test_a_served_version_is_followed_through_the_decision_and_the_export(models: Path, run: Path):
    for place in (models / "m", models / "m" / "1", models / "m" / "1" / "model.pt"):
        lineage = trace(str(place), search=[run.parent])
        assert kinds(lineage) == KINDS
        assert lineage.problems() == []
        assert not any(node.is_copy for node in lineage.nodes()), "the run's folders are there, and are looked at"


def test_after_the_runs_folders_are_gone_the_model_repository_still_answers(models: Path, run: Path):
    shutil.rmtree(run)
    lineage = trace(str(models / "m"))
    assert kinds(lineage) == KINDS
    assert lineage.problems() == []
    assert [node.kind for node in lineage.nodes() if node.is_copy] == KINDS[1:]
    assert sum("its files are not here" in line for line in tree(lineage)) == len(KINDS) - 1


def test_the_tree_tells_the_facts_that_one_asks_for(models: Path, run: Path):
    text = "\n".join(tree(trace(str(models / "m"), search=[run])))
    for fact in ("'m' version 1", "AP 0.6000 on 1 images", "data version v1", "3 iterations", "from s3://data/a"):
        assert fact in text
    assert "from https://weights.example/r50.pth" in text
    assert f"config {sha256_of_json(read_manifest(run / 'train')['settings'])[:12]}" in text
    made = read_manifest(run / "train")["made"]
    assert f"made {made['at']}, {made['machine']}; code {made['commit']}" in text
    assert text.count("dataset") < text.count("(as above)") + 6, "what is named again is told once"


def test_a_forced_pass_is_shown_for_as_long_as_the_model_serves(tmp_path: Path):
    publish(make_run(tmp_path / "run", ap=0.1, force=("Ada", "a trial")), tmp_path / "models")
    assert "pass FORCED by Ada: a trial" in "\n".join(tree(trace(str(tmp_path / "models" / "m"))))


def test_a_version_that_was_deployed_without_a_decision_says_so(run: Path, tmp_path: Path):
    publish(run, tmp_path / "models", with_evidence=False)
    lineage = trace(str(tmp_path / "models" / "m" / "1"))
    assert lineage.problems() == []
    assert "deployed without gate and metrics" in node(lineage, "deployment").facts


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": 3}', '{"id": 5, "inputs": [], "files": 3, "facts": "x"}'])
def test_whatever_a_manifest_holds_there_is_an_answer(run: Path, content: str):
    (run / "dataset" / "manifest.json").write_text(content)
    assert trace(str(run / "train")).problems()


def test_an_evaluation_of_detections_is_followed_to_the_data_by_the_hash_of_its_annotations(run: Path):
    write_json(run / "other" / "metrics.json", {"AP": None})
    files = [run / "other" / "metrics.json"]
    inputs = {"dataset": sha256_of_file(run / "dataset" / "annotations" / "val.json"), "detections": "b" * 64}
    facts = {"AP": None, "images": 1}
    write_manifest(run / "other", kind="metrics", inputs=inputs, settings={}, files=files, facts=facts)
    lineage = trace(str(run / "other"))
    assert kinds(lineage) == ["metrics", "dataset"]
    assert lineage.problems() == []
    text = "\n".join(tree(lineage))
    assert "outside: another program's detections" in text and "AP undefined on 1 images" in text


def test_an_evaluation_of_an_endpoint_that_names_no_checkpoint_ends_there(run: Path):
    inputs = {"model": "grpc://127.0.0.1:8001/m", "dataset": read_manifest(run / "dataset")["id"]}
    write_manifest(run / "evaluate", kind="metrics", inputs=inputs, settings={}, files=[], facts={"AP": 0.5})
    assert "grpc://127.0.0.1:8001/m, which has no hash" in "\n".join(tree(trace(str(run / "evaluate"))))


def test_the_json_has_every_artifact_once_and_links_by_place(models: Path, run: Path):
    told = to_dict(trace(str(models / "m"), search=[run]))
    assert (told["whole"], told["problems"]) == (True, [])
    assert [artifact["kind"] for artifact in told["artifacts"]] == KINDS
    links = {link["role"]: link["artifact"] for link in told["artifacts"][0]["links"]}
    assert {role: KINDS[place] for role, place in links.items()} == {r: r for r in ("export", "gate", "metrics")}
    weights = next(link for link in told["artifacts"][2]["links"] if link["role"] == "weights")
    assert (weights["state"], weights["artifact"]) == ("outside", None)
    json.dumps(told)


def test_without_files_only_manifests_and_links_are_looked_at(run: Path):
    (run / "train" / "checkpoint.pt").write_bytes(b"")
    assert trace(str(run / "export"), with_files=False).problems() == []
    assert trace(str(run / "export")).problems() != []


def test_what_no_manifest_tells_of_is_refused_with_a_hint(run: Path, tmp_path: Path):
    with pytest.raises(LineageError, match="no such file"):
        trace(str(tmp_path / "absent"))
    (run / "train" / "notes.txt").write_text("no part of it")
    with pytest.raises(LineageError, match="No manifest tells of it"):
        trace(str(run / "train" / "notes.txt"))
    with pytest.raises(LineageError, match="No manifest tells of it") as refused:
        trace(str(run))
    assert f"{run / 'train'} has one" in refused.value.details
    for endpoint in ("grpc://127.0.0.1:1/m", "grpcs://127.0.0.1:1/m"):
        with pytest.raises(LineageError, match="model repository"):
            trace(endpoint)
