import pytest

from pipelines.submit.request import Wishes, parameters_from
from sparseinst.errors import ConfigError, DatasetError

PRESET = {"config": "sparse_inst_r50_giam_aug", "overrides": ["train.batch_size=128"], "min_ap": 0.3}


def _asked(**wishes):
    return parameters_from(Wishes(**wishes), PRESET)


def test_who_says_nothing_gets_the_preset():
    assert _asked() == {}


def test_what_was_said_becomes_the_pipelines_parameters():
    found = _asked(
        data="s3://data/mine", seed=3, min_ap=0.2, model_name="cells", others=("workspace=s3://scratch/{run}",)
    )
    assert found == {
        "source": "s3://data/mine",
        "seed": 3,
        "min_ap": 0.2,
        "model_name": "cells",
        "workspace": "s3://scratch/{run}",
    }


def test_a_setting_is_laid_over_the_presets_and_a_configuration_takes_their_place():
    assert _asked(overrides=("train.iterations=10",))["overrides"] == ["train.batch_size=128", "train.iterations=10"]
    found = _asked(config="quick", overrides=("train.iterations=10",))
    assert (found["config"], found["overrides"]) == ("quick", ["train.iterations=10"])


def test_a_wrong_setting_or_configuration_is_refused_here():
    with pytest.raises(ConfigError, match="iteratons"):
        _asked(overrides=("train.iteratons=10",))
    with pytest.raises(ConfigError):
        _asked(config="no-such-configuration")


def test_a_policy_file_takes_the_place_of_the_presets_rules(tmp_path):
    (tmp_path / "policy.yaml").write_text("min_ap: 0.4\nmax_regression: 0.01\n")
    found = _asked(policy=tmp_path / "policy.yaml")
    assert (found["min_ap"], found["gate_policy"]["max_regression"]) == (0.4, 0.01)
    found = _asked(policy=tmp_path / "policy.yaml", min_ap=0.2)
    assert found["min_ap"] == found["gate_policy"]["min_ap"] == 0.2


def test_a_shape_file_becomes_the_datas_options(tmp_path):
    (tmp_path / "shape.yaml").write_text("select: [cat]\n")
    assert _asked(shape=tmp_path / "shape.yaml")["data_options"]["select"] == ["cat"]


def test_data_on_this_machine_are_refused_for_no_cluster_sees_them(tmp_path):
    with pytest.raises(DatasetError) as refused:
        _asked(data=str(tmp_path))
    assert "s3://" in refused.value.fix


def test_a_configuration_on_this_machine_is_refused_and_one_in_the_image_is_believed(tmp_path):
    (tmp_path / "mine.yaml").write_text("model: {}\n")
    with pytest.raises(ConfigError, match="on this machine"):
        _asked(config=str(tmp_path / "mine.yaml"))
    assert _asked(config="/configs/mine.yaml")["config"] == "/configs/mine.yaml"


def test_a_forced_pass_needs_a_name_and_a_reason():
    assert _asked(force_by="Ada", force_why="a demo") == {"force_by": "Ada", "force_why": "a demo"}
    with pytest.raises(ConfigError):
        _asked(force_by="Ada")


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        _asked(others=("workspace",))
