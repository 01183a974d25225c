"""Configurations: by name or file, with visible inheritance, typed values, and help for misspelt names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparseinst.config import config_names, load_config, run_config_from
from sparseinst.errors import ConfigError


@pytest.mark.parametrize("name", config_names())
def test_every_built_in_configuration_loads_and_survives_a_round_trip(name: str) -> None:
    config = load_config(name)
    assert run_config_from(config.to_dict(), where=name) == config


def test_the_published_configurations_carry_the_authors_recipe() -> None:
    train = load_config("sparse_inst_r50_giam").train
    assert (train.iterations, train.batch_size, train.lr, train.weight_decay) == (270_000, 64, 5e-5, 0.05)
    assert train.lr_steps == (210_000, 250_000)


def test_a_file_goes_over_its_base_and_overrides_go_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: sparse_inst_r50_base\ntrain: {iterations: 7, lr: 1e-3}\n")
    config = load_config(str(file), ["train.iterations=9", "input.train_short_sides=[64, 96]"])
    assert config.model.decoder == "base"
    assert config.train.iterations == 9
    assert config.train.lr == 1e-3  # YAML 1.1 reads 1e-3 as text
    assert config.input.train_short_sides == (64, 96)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.batchsize=2", "Did you mean 'batch_size'"),
        ("training.lr=2", "Did you mean 'train'"),
        ("train.lr=fast", "a number"),
        ("train.iterations=2.5", "a whole number"),
        ("train.precision=fp8", "fp32, bf16, fp16"),
        ("train.lr", "section.name=value"),
        ("model.groups=3", "256 channels cannot be shared by 3 groups"),
        ("model.num_masks=0", "at least 1"),
        ("model.mask_threshold=2", "0 to 1"),
        ("model.mask_scale=3", "1, 2, 4, 8"),
        ("input.crop=1.5", "no probability"),
        ("input.crop_smallest=700", "Give the smaller one first"),
        ("input.train_short_sides=[]", "at least one"),
    ],
)
def test_a_wrong_override_is_refused_with_a_hint(override: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("sparse_inst_r50_giam", [override])
    assert words in str(caught.value)


def test_an_unknown_name_suggests_a_known_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'sparse_inst_r50_giam'"):
        load_config("sparse_inst_r50_gian")
    circle = tmp_path / "circle.yaml"
    circle.write_text(f"base: {circle}\n")
    with pytest.raises(ConfigError, match="circle"):
        load_config(str(circle))


def test_a_backbone_without_a_deformable_form_is_refused() -> None:
    with pytest.raises(ConfigError, match="pvt_v2_b1 has no deformable form"):
        load_config("sparse_inst_pvt_b1_giam", ["model.deformable=true"])


@pytest.mark.parametrize("name", [name for name in config_names() if name.startswith("sparse_inst_")])
def test_every_published_configuration_is_called_as_its_file(name: str) -> None:
    config = load_config(name)
    assert config.model.name == name
    assert (config.input.crop == 0.5) == name.endswith("_aug")
    assert config.model.deformable == ("_dcn_" in name)
    assert (config.train.weights == "none") == (name == "sparse_inst_darknet53_giam")
