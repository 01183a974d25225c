"""A training whose folder is in a bucket: stopped and killed on its way, and started again on another machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sparseinst.config import RunConfig
from sparseinst.storage import open_storage
from sparseinst.training.checkpoint import BEST_NAME, load_checkpoint
from sparseinst.training.order import TrainResult
from sparseinst.training.state.store import FOLDER
from sparseinst.training.train import train
from sparseinst.workspace import fetch, open_workspace
from sparseinst.workspace.journal import read_journals
from sparseinst.workspace.training import APART
from tests.training.conftest import one_thread, sample  # noqa: F401
from tests.training.interruption import FULL, kill_all
from tests.training.recipe import assert_same_run, iterations, newest_state, recipe, start, wait_until

pytestmark = pytest.mark.stack

# Long enough that it is met on its way, and evaluated before and after: the best model is not the last one.
SETTINGS = {**FULL, "iterations": 24, "checkpoint_every": 6, "log_every": 2, "eval_every": 8, "result": "best"}


def test_what_the_mirror_keeps_is_what_is_left_out() -> None:
    assert APART == (FOLDER, BEST_NAME)


def begin(uri: str, data: str, config: RunConfig, folder: Path, scratch: Path) -> subprocess.Popen[str]:
    """The train step in a process of its own, on the machine with this scratch folder."""
    out = folder / "out" / scratch.name
    out.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config.to_dict()))
    given = {"data": data, "folder": uri, "config": str(folder / "config.yaml"), "overrides": [], "seed": 0, "gpus": 0}
    arguments = [sys.executable, "-m", "tests.workspace.step", json.dumps({**given, "out": str(out)})]
    return start(arguments, SPARSEINST_SCRATCH=str(scratch))


def states(uri: str) -> list[int]:
    """The iterations whose states are in the bucket."""
    keys = open_storage(uri).list("train.states")
    return [int(key.split("/")[1].partition("-")[0]) for key in keys if not key.endswith(BEST_NAME)]


def test_stopped_and_killed_and_moved_to_other_machines_it_ends_as_if_nothing_had_happened(
    sample: Path,  # noqa: F811
    tmp_path: Path,
    s3_uri: str,
    machine: Callable[[str], Path],
) -> None:
    config = recipe(**SETTINGS)
    whole = tmp_path / "whole"
    train(sample, whole, config)
    machine("of ingest")
    with open_workspace(s3_uri).make("dataset") as output:
        output.symlink_to(sample)
    data = f"{s3_uri}/dataset"

    scratch = machine("first")
    output = open_workspace(s3_uri).local("train")
    first = begin(s3_uri, data, config, tmp_path, scratch)
    wait_until(lambda: iterations(output) > 2, first)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 75, said
    assert "the state is saved" in said
    stopped = max(states(s3_uri))
    assert stopped == load_checkpoint(newest_state(output)).iteration

    scratch = machine("second")
    output = open_workspace(s3_uri).local("train")
    second = begin(s3_uri, data, config, tmp_path, scratch)
    wait_until(lambda: max(states(s3_uri)) > stopped, second)
    kill_all(second)

    scratch = machine("third")
    output = open_workspace(s3_uri).local("train")
    third = begin(s3_uri, data, config, tmp_path, scratch)
    _, said = third.communicate(timeout=240)
    assert third.returncode == 0, said
    assert "resuming at iteration" in said
    assert_same_run(whole, output)
    model = tmp_path / "out" / "third" / "model"
    assert_same_weights(model, whole / "checkpoint.pt")

    machine("of evaluate")
    made = TrainResult.of(fetch(f"{s3_uri}/train"))
    assert made.iterations == 24
    assert_same_weights(made.checkpoint, model)
    told = read_journals(s3_uri)["train"]
    assert [(event["event"], event.get("exit_code")) for event in told] == [
        ("start", None),
        ("end", 75),
        ("start", None),
        ("start", None),
        ("end", 0),
    ]
    assert told[-1]["facts"]["checkpoint"] == f"{s3_uri}/train/checkpoint.pt"


def assert_same_weights(one: Path, other: Path) -> None:
    from tests.training.recipe import assert_same

    assert_same(dict(load_checkpoint(one).weights), dict(load_checkpoint(other).weights))
