"""What an earlier run trained of the same things is taken, and nothing else ever is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparseinst.manifest import read_manifest, write_manifest
from sparseinst.workspace import Workspace, open_workspace
from sparseinst.workspace.earlier import note_for_later, take_earlier, training_key
from sparseinst.workspace.training import train_once
from tests.training.conftest import one_thread, sample  # noqa: F401
from tests.training.recipe import recipe

SKIP = ("state",)


@pytest.fixture
def commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSEINST_COMMIT", "a" * 40)


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.stack)])
def runs(request: pytest.FixtureRequest, tmp_path: Path, machine: Callable[[str], Path]) -> str:
    """Where the folders of runs are."""
    machine("one")
    return str(request.getfixturevalue("s3_uri") if request.param == "bucket" else tmp_path / "runs")


def trained(place: Workspace) -> None:
    with place.make("train") as output:
        (output / "state").mkdir(parents=True)
        (output / "state" / "12.pt").write_bytes(b"for who goes on")
        (output / "checkpoint.pt").write_bytes(b"weights")
        files = [output / "checkpoint.pt"]
        write_manifest(output, kind="checkpoint", inputs={}, settings={}, files=files, facts={"iterations": 12})


def test_what_was_trained_once_is_taken_by_the_next_run_on_any_machine(
    runs: str, machine: Callable[[str], Path], commit: None
) -> None:
    key = training_key("data-1", "sample", ["train.max_minutes=0"])
    first = open_workspace(f"{runs}/a")
    trained(first)
    note_for_later(first, "train", key)
    machine("two")
    second = open_workspace(f"{runs}/b")
    assert take_earlier(second, "train", key, SKIP) == f"{runs}/a/train"
    taken = open_workspace(f"{runs}/b").fetch("train")
    assert (taken / "checkpoint.pt").read_bytes() == b"weights"
    assert read_manifest(taken)["facts"] == {"iterations": 12}
    assert not (taken / "state").exists()


def test_without_a_note_or_with_a_part_already_begun_nothing_is_taken(runs: str, commit: None) -> None:
    first = open_workspace(f"{runs}/a")
    assert take_earlier(first, "train", "k", SKIP) == ""
    trained(first)
    note_for_later(first, "train", "k")
    begun = open_workspace(f"{runs}/b")
    begun.local("train").mkdir(parents=True)
    assert take_earlier(begun, "train", "k", SKIP) == ""
    assert take_earlier(open_workspace(f"{runs}/c"), "train", "another", SKIP) == ""
    assert take_earlier(open_workspace(f"{runs}/c"), "train", "", SKIP) == ""


def test_the_same_training_of_a_later_run_is_the_earlier_ones(
    sample: Path,  # noqa: F811
    tmp_path: Path,
    commit: None,
) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(recipe(iterations=2).to_dict()))
    data = {"id": "data-1", "location": str(sample)}

    def run(name: str, *overrides: str, reuse: bool = True) -> dict[str, Any]:
        place = open_workspace(str(tmp_path / name))
        made = train_once(place, "train", data, str(tmp_path / "config.yaml"), overrides, ranks=1, reuse=reuse)
        assert made.checkpoint == place.local("train") / "checkpoint.pt"
        assert made.checkpoint.is_file() and made.report.is_file()
        return read_manifest(place.local("train"))

    first, again = run("a"), run("b")
    assert again == first
    assert not (tmp_path / "b" / "train" / "state").exists(), "it was trained again"
    assert run("c", "train.seed=5")["id"] != first["id"]
    run("d", reuse=False)
    assert (tmp_path / "d" / "train" / "state").exists()


@pytest.mark.parametrize("harm", ["deleted", "changed", "note"])
def test_what_is_gone_or_was_changed_is_made_again(
    tmp_path: Path, harm: str, commit: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first = open_workspace(str(tmp_path / "a"))
    trained(first)
    note_for_later(first, "train", "k")
    checkpoint = first.local("train") / "checkpoint.pt"
    if harm == "deleted":
        checkpoint.unlink()
    elif harm == "changed":
        checkpoint.write_bytes(b"others")
    else:
        (tmp_path / "earlier" / "train" / "k.json").write_text(json.dumps({"adress": 1}))
    second = open_workspace(str(tmp_path / "b"))
    assert take_earlier(second, "train", "k", SKIP) == ""
    assert not second.local("train").exists()
    assert "made again" in caplog.text


def test_the_key_is_one_of_contents(tmp_path: Path, commit: None, monkeypatch: pytest.MonkeyPatch) -> None:
    free = "train.max_minutes=0"

    def key(data: str = "data-1", config: str = "sample", *overrides: str) -> str:
        return training_key(data, config, [free, *overrides])

    assert key() == key() != ""
    weights = tmp_path / "w.pth"
    weights.write_bytes(b"one")
    begun = key("data-1", "sample", f"train.weights={weights}")
    others = {key("data-2"), key("data-1", "sample", "train.seed=1"), begun}
    weights.write_bytes(b"two")
    others.add(key("data-1", "sample", f"train.weights={weights}"))
    monkeypatch.setenv("SPARSEINST_COMMIT", "b" * 40)
    others.add(key())
    assert len(others) == 5


def test_a_training_that_the_clock_ends_and_code_without_a_name_have_no_key(
    commit: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert training_key("data-1", "sample", []) == ""
    for code in ("a" * 40 + "-dirty", "unknown"):
        monkeypatch.setenv("SPARSEINST_COMMIT", code)
        assert training_key("data-1", "sample", ["train.max_minutes=0"]) == ""
