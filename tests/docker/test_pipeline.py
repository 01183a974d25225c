"""The whole way in containers: from drawn images to a served model, as user 12345 on a read-only root."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.pipeline import STEPS
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.serving import stack
from tests.conftest import ROOT

pytestmark = pytest.mark.stack

FEW_STEPS = ("--config", "sample", "--set", "train.iterations=12", "--set", "train.batch_size=2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with drawn images in `shapes`; the servers that runs start in it are ended at last."""
    folder = tmp_path_factory.mktemp("place")
    ingest("sample", folder / "shapes", IngestSettings(train_images=6, val_images=3))
    yield folder
    stack.down(folder / "stack")


@pytest.fixture
def environment(place: Path, components: Any, tag: str) -> dict[str, str]:
    image = f"sparseinst-components:{tag}"
    settings = {"SPARSEINST_IMAGE": image, "SPARSEINST_STACK_DIR": str(place / "stack"), "OMP_NUM_THREADS": "1"}
    return {**os.environ, **settings}


def run(place: Path, environment: dict[str, str], *options: str, data: str = "shapes") -> Any:
    where = ("--runner", "docker", "--data", str(place / data), "--runs", str(place / "runs"))
    command = [sys.executable, "-m", "pipelines.run", *where, *FEW_STEPS, *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def states(text: str) -> dict[str, str]:
    """{step: state} of the table of steps."""
    state = "succeeded|failed|skipped: gate refused|not run"
    return dict(re.findall(rf"^  [✓✗-] (\w+) .*?  ({state})", text, re.M))


def served(place: Path) -> dict[str, str]:
    return {model.name: model.version for model in stack.status(place / "stack").models}


def test_annotated_images_become_a_served_model(place: Path, environment: dict[str, str]):
    done = run(place, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(done.stdout) == dict.fromkeys(STEPS, "succeeded")
    assert served(place) == {"sparseinst": "1", "sparseinst_front": "1"}
    folder = place / "runs" / "latest"
    user = 12345 if os.getuid() == 0 else os.getuid()
    assert (folder / "train" / "checkpoint.pt").stat().st_uid == user
    (suggestion,) = re.findall(r"try next +\S*sparseinst (predict .*) --output", done.stdout)
    command = [sys.executable, "-m", "sparseinst", *suggestion.split(), "--json"]
    answered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answered.returncode == 0, answered.stderr


def test_a_refused_gate_ends_with_10_and_the_version_before_goes_on_serving(place: Path, environment: dict[str, str]):
    before = served(place)
    config = place / "mine" / "config.yaml"  # a file of this machine: the containers see its folder
    config.parent.mkdir()
    config.write_text("base: sample\n")
    done = run(place, environment, "--min-ap", "1", "--config", str(config))
    assert done.returncode == 10, done.stdout + done.stderr
    assert states(done.stdout)["export"] == states(done.stdout)["deploy"] == "skipped: gate refused"
    assert served(place) == before


def test_malformed_annotations_end_with_3_and_their_own_error(place: Path, environment: dict[str, str]):
    (place / "broken" / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        (place / "broken" / "annotations" / f"{split}.json").write_text('{"images": [')
    done = run(place, environment, data="broken")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "JSON-SYNTAX" in done.stderr and "Traceback" not in done.stderr
    found = states(done.stdout)
    assert found.pop("ingest") == "failed"
    found.pop("finish")  # it runs after a failure, too: to say so
    assert set(found.values()) == {"not run"}
