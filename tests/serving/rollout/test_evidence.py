"""A version takes its evaluation and its decision along, and only what belongs together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparseinst.errors import DeployError, GateRefused
from sparseinst.manifest import read_manifest
from sparseinst.serving.rollout.evidence import gather_evidence
from sparseinst.serving.rollout.exported import read_export
from sparseinst.serving.rollout.incumbent import fetch_incumbent
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import open_storage
from tests.serving.run_folder import decide, make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def publish(run: Path, repository: Path, version: int = 1, *, with_evidence: bool = True) -> Target:
    """Puts the run's export into a directory as served, as far as the repository goes."""
    export = read_export(run / "export")
    folders = (run / "evaluate", run / "gate") if with_evidence else (None, None)
    target = Target(open_storage(str(repository)), "m")
    target.put(version, export, gather_evidence(export, *folders))
    target.write(target.to_commit(version))
    return target


def test_the_version_names_its_export_its_evaluation_and_its_decision(run: Path, tmp_path: Path):
    publish(run, tmp_path / "models")
    inputs = read_manifest(tmp_path / "models" / "m" / "1")["inputs"]
    folders = {"export": "export", "metrics": "evaluate", "gate": "gate"}
    assert inputs == {role: read_manifest(run / name)["id"] for role, name in folders.items()} | {"data_version": "v1"}


def test_the_manifests_of_everything_that_it_was_made_from_go_along(run: Path, tmp_path: Path):
    publish(run, tmp_path / "models")
    carried = sorted((tmp_path / "models" / "m" / "1").glob("*-*.manifest.json"))
    assert [path.name.split("-")[0] for path in carried] == ["checkpoint", "dataset", "export", "gate", "metrics"]
    for path in carried:
        assert json.loads(path.read_text())["id"].startswith(path.name.split("-")[1].split(".")[0])


def test_the_next_candidate_finds_the_evaluation_of_what_is_served(run: Path, tmp_path: Path):
    publish(run, tmp_path / "models")
    better = make_run(tmp_path / "better", ap=0.7, gain=0.5)
    publish(better, tmp_path / "models", version=2)
    incumbent = fetch_incumbent(str(tmp_path / "models"), "m", tmp_path / "fetched")
    assert incumbent is not None and incumbent.evaluation == tmp_path / "fetched"
    assert (incumbent.version, incumbent.problem) == (2, "")
    assert (tmp_path / "fetched" / "metrics.json").read_bytes() == (better / "evaluate" / "metrics.json").read_bytes()
    (tmp_path / "fetched" / "matches.npz").write_bytes(b"of another version")
    target = Target(open_storage(str(tmp_path / "models")), "m")
    target.write(target.to_commit(1))
    rolled_back = fetch_incumbent(str(tmp_path / "models"), "m", tmp_path / "fetched")
    assert rolled_back is not None and rolled_back.version == 1, "after a rollback it is the older one"
    assert not (tmp_path / "fetched" / "matches.npz").exists()


def test_where_nothing_is_served_there_is_no_incumbent(run: Path, tmp_path: Path):
    assert fetch_incumbent(str(tmp_path / "models"), "m", tmp_path / "fetched") is None
    export = read_export(run / "export")
    Target(open_storage(str(tmp_path / "models")), "m").put(1, export, gather_evidence(export, None, None))
    assert fetch_incumbent(str(tmp_path / "models"), "m", tmp_path / "fetched") is None, "uploaded is not served"


def test_a_version_that_was_deployed_without_its_evaluation_is_known_as_such(run: Path, tmp_path: Path):
    publish(run, tmp_path / "models", with_evidence=False)
    incumbent = fetch_incumbent(str(tmp_path / "models"), "m", tmp_path / "fetched")
    assert incumbent is not None and incumbent.evaluation is None
    assert incumbent.problem == "version 1 was deployed without its evaluation"


@pytest.mark.parametrize("damage", ["metrics", "no metrics", "manifest", "list", "no manifest"])
def test_an_evaluation_that_was_changed_in_the_repository_is_not_believed(run: Path, tmp_path: Path, damage: str):
    publish(run, tmp_path / "models")
    version = tmp_path / "models" / "m" / "1"
    if damage == "metrics":
        told = json.loads((version / "metrics.json").read_text())
        (version / "metrics.json").write_text(json.dumps({**told, "AP": 0.1}))
    elif damage == "no metrics":
        (version / "metrics.json").unlink()
    elif damage == "no manifest":
        (version / "manifest.json").unlink()
    else:
        (version / "manifest.json").write_text("[]" if damage == "list" else "{")
    incumbent = fetch_incumbent(str(tmp_path / "models"), "m", tmp_path / "fetched")
    assert incumbent is not None and incumbent.evaluation is None
    assert "not as it was deployed" in incumbent.problem or "cannot be read" in incumbent.problem


def test_what_the_gate_refused_is_not_deployed_and_what_was_forced_is(tmp_path: Path):
    refused = make_run(tmp_path / "refused", ap=0.1)
    with pytest.raises(GateRefused, match="'fail'"):
        gather_evidence(read_export(refused / "export"), refused / "evaluate", refused / "gate")
    decide(refused, force=("Ada", "a trial"))
    target = publish(refused, tmp_path / "models")
    decision = json.loads((tmp_path / "models" / "m" / "1" / "gate.json").read_text())
    assert (decision["decision"], decision["forced"]["by"], target.current()) == ("pass", "Ada", 1)


def test_an_evaluation_or_a_decision_of_another_run_is_refused(run: Path, tmp_path: Path):
    other = make_run(tmp_path / "other", ap=0.7, gain=0.5)
    with pytest.raises(DeployError, match="another model than the export"):
        gather_evidence(read_export(run / "export"), other / "evaluate", None)
    with pytest.raises(DeployError, match="about another evaluation"):
        gather_evidence(read_export(run / "export"), run / "evaluate", other / "gate")


@pytest.mark.parametrize("folder", ["evaluate", "gate"])
def test_what_was_changed_since_is_refused(run: Path, folder: str):
    file = run / folder / ("metrics.json" if folder == "evaluate" else "gate.json")
    file.write_text(file.read_text().replace("0.6", "0.9"))
    with pytest.raises(DeployError, match="not as they were written") as refused:
        gather_evidence(read_export(run / "export"), run / "evaluate", run / "gate")
    assert "was changed" in refused.value.details[0]


def test_a_folder_that_is_no_evaluation_is_refused(run: Path, tmp_path: Path):
    for folder in (tmp_path / "absent", run / "gate", run / "dataset"):
        with pytest.raises(DeployError, match=r"no metrics\.json with its manifest"):
            gather_evidence(read_export(run / "export"), folder, None)
