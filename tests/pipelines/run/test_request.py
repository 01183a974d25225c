import subprocess
import sys

import pytest
import yaml

from pipelines.run.recipe import load_recipe
from pipelines.run.request import GateOptions, make_request
from sparseinst.config import config_names
from sparseinst.errors import ConfigError, DatasetError
from tests.conftest import ROOT

RECIPES = sorted((ROOT / "pipelines" / "run" / "recipes").glob("*.yaml"))


def _request(data=None, config=None, overrides=(), seed=0, min_ap=None, model_name="sparseinst", **gate):
    return make_request(data, config, overrides, seed, GateOptions(min_ap, **gate), model_name)


def test_without_data_the_sample_set_is_trained_for_a_gate_worth_passing():
    request = _request()
    assert (request.data, request.config, request.gate.min_ap) == (None, "sample", 0.5)


def test_other_data_gets_a_short_schedule_and_an_open_gate(tmp_path):
    request = _request(data=tmp_path)
    assert (request.data, request.config, request.gate.min_ap) == (tmp_path, "quick", 0.0)


def test_what_is_said_goes_over_the_recipe():
    request = _request(config="quick", min_ap=0.2, overrides=("train.iterations=10",), seed=3)
    assert (request.config, request.gate.min_ap, request.seed) == ("quick", 0.2, 3)


def test_a_policy_of_ones_own_takes_the_place_of_the_recipes_as_a_whole(tmp_path):
    (tmp_path / "policy.yaml").write_text("min_ap: 0.4\nmax_regression: 0.01\n")
    gate = _request(policy=tmp_path / "policy.yaml").gate
    assert (gate.min_ap, gate.policy["min_ap"], gate.policy["max_regression"]) == (0.4, 0.4, 0.01)
    assert gate.policy["within_noise"] == "investigate", "the recipe lets chance pass"
    assert _request(policy=tmp_path / "policy.yaml", min_ap=0.3).gate.policy["min_ap"] == 0.3
    (tmp_path / "policy.yaml").write_text("max_regresion: 0.01\n")
    with pytest.raises(ConfigError, match="max_regresion"):
        _request(policy=tmp_path / "policy.yaml")


def test_who_asks_for_an_ap_on_own_data_gets_a_whole_gate_and_not_the_open_one(tmp_path):
    assert _request(data=tmp_path).gate.policy["max_regression"] == 1
    assert _request(data=tmp_path, min_ap=0.3).gate.policy == {"min_ap": 0.3}


def test_a_forced_pass_needs_a_name_and_a_reason(tmp_path):
    gate = _request(force_by="Ada", force_why="a demo").gate
    assert (gate.force_by, gate.force_why) == ("Ada", "a demo")
    with pytest.raises(ConfigError):
        _request(force_by="Ada")


def test_a_missing_data_directory_is_refused_with_problem_place_and_fix(tmp_path):
    with pytest.raises(DatasetError) as error_info:
        _request(data=tmp_path / "absent")
    error = error_info.value
    assert error.problem
    assert error.where == str(tmp_path / "absent")
    assert "DATA=" in error.fix


@pytest.mark.parametrize(("config", "override"), [("no-such-config", "train.seed=1"), ("sample", "train.iteratons=1")])
def test_a_wrong_setting_is_refused_before_anything_starts(config, override):
    with pytest.raises(ConfigError):
        _request(config=config, overrides=(override,))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_names_a_configuration_that_exists(path):
    assert load_recipe(path.stem).config in config_names()
    assert set(yaml.safe_load(path.read_text())) == {"config", "min_ap", "gate_policy"}


def test_the_command_ends_with_3_on_a_missing_data_directory_and_leaves_nothing(tmp_path):
    command = [
        sys.executable,
        "-m",
        "pipelines.run",
        "--data",
        str(tmp_path / "absent"),
        "--runs",
        str(tmp_path / "runs"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("error: There is no such data directory.\n  where: ")
    assert "\n  fix:   " in done.stderr
    assert not (tmp_path / "runs").exists()


def test_the_command_refuses_a_threshold_that_is_no_ap(tmp_path):
    command = [sys.executable, "-m", "pipelines.run", "--min-ap", "50", "--runs", str(tmp_path / "runs")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "0<=x<=1" in done.stderr
