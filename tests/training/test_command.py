"""`sparseinst train` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sparseinst.cli.train import command
from sparseinst.errors import ConfigError
from tests.training.recipe import recipe


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(recipe(iterations=1000, weights="w.pt", lr_steps=[800]).to_dict()))
    return str(path)


def test_the_plan_of_a_dataset_is_json_for_programs_and_trains_nothing(
    sample: Path, tmp_path: Path, config: str
) -> None:
    done = CliRunner().invoke(command, ["--plan", "--json", "--data", str(sample), "--config", config, "--nproc", "2"])
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)
    assert (plan["images"], plan["ranks"], plan["share"], plan["iterations"]) == (12, 2, 2, 1000)
    assert plan["epochs"] == pytest.approx(1000 * 4 / 12)
    assert {"T4", "H100"} <= {row["name"] for row in plan["table"]}
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]


def test_the_plan_without_data_is_cocos_and_says_so(config: str) -> None:
    done = CliRunner().invoke(command, ["--plan", "--config", config])
    assert done.exit_code == 0, done.output
    assert "COCO train2017" in done.stderr
    assert "117 266 images" in done.stdout.replace("\u202f", " ")


def test_a_run_that_cannot_be_on_a_gpu_is_refused_after_its_plan(config: str) -> None:
    arguments = ["--plan", "--config", config, "--gpu", "V100", "--set", "train.precision=bf16"]
    done = CliRunner().invoke(command, arguments)
    assert isinstance(done.exception, ConfigError)
    assert done.exception.exit_code == 2
    assert "V100 has no units for bf16" in str(done.exception)
    assert "USD" in done.stdout  # the others are shown all the same


def test_training_without_data_or_output_says_what_is_missing() -> None:
    done = CliRunner().invoke(command, ["--config", "sample"])
    assert done.exit_code == 2
    assert "needs --data and --output" in done.stderr


def test_a_deadline_that_is_none_is_refused_before_anything_is_done(sample: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(sample), "--output", str(tmp_path / "run"), "--config", "sample", "--deadline", "soon"]
    done = CliRunner().invoke(command, arguments)
    assert isinstance(done.exception, ConfigError)
    assert not (tmp_path / "run").exists()
