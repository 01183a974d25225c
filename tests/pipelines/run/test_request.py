import subprocess
import sys

import pytest
import yaml

from pipelines.run.preset import load_preset
from pipelines.run.request import make_request
from sparseinst.config import config_names
from sparseinst.errors import ConfigError, DatasetError
from tests.conftest import ROOT

PRESETS = sorted((ROOT / "pipelines" / "presets").glob("*.yaml"))


def _request(data=None, config=None, overrides=(), seed=0, min_ap=None, model_name="sparseinst"):
    return make_request(data, config, overrides, seed, min_ap, model_name)


def test_without_data_the_sample_set_is_trained_for_a_gate_worth_passing():
    request = _request()
    assert (request.data, request.config, request.min_ap) == (None, "sample", 0.5)


def test_other_data_gets_a_short_schedule_and_an_open_gate(tmp_path):
    request = _request(data=tmp_path)
    assert (request.data, request.config, request.min_ap) == (tmp_path, "quick", 0.0)


def test_what_is_said_goes_over_the_preset():
    request = _request(config="quick", min_ap=0.2, overrides=("train.iterations=10",), seed=3)
    assert (request.config, request.min_ap, request.seed) == ("quick", 0.2, 3)


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


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_names_a_configuration_that_exists(path):
    assert load_preset(path.stem).config in config_names()
    assert set(yaml.safe_load(path.read_text())) == {"config", "min_ap"}


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
