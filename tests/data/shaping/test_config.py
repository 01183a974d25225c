"""Settings are read from code, a file and a command line; whatever they cannot mean is refused."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sparseinst.cli.shape_options import shape_config, shape_options
from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.file import load_shape
from sparseinst.data.shaping.names import parse_merge, write_names
from sparseinst.errors import ConfigError


@click.command()
@shape_options
def command(**options: Any) -> None:
    click.echo(json.dumps(shape_config(**options).to_dict()))


def from_command_line(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def from_file(folder: Path, text: str, **changes: Any) -> ShapeConfig:
    path = folder / "shape.yaml"
    path.write_text(text, encoding="utf-8")
    return load_shape(path, changes)


def test_only_what_differs_from_the_default_is_recorded() -> None:
    assert ShapeConfig().to_dict() == {}
    assert ShapeConfig(drop=("car",), val_share=0.1, max_area=9, keep_empty=False).to_dict() == {
        "drop": ["car"],
        "val_share": 0.1,
        "max_area": 9,
        "keep_empty": False,
    }


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"merge": ("vehicle",)}, "--merge"),
        ({"merge": ("=car",)}, "--merge"),
        ({"merge": ("vehicle= ,",)}, "--merge"),
        ({"rename": ("tv=",)}, "--rename"),
        ({"val_share": 1}, "--val-share"),
        ({"val_share": -0.1}, "--val-share"),
        ({"val_share": math.nan}, "--val-share"),
        ({"resplit": True}, "--resplit"),
        ({"group_by": "folder"}, "--group-by"),
        ({"group_by": "camera", "val_share": 0.1}, "--group-by"),
        ({"group_by": "field:", "val_share": 0.1}, "--group-by"),
        ({"group_by": "name:(", "val_share": 0.1}, "--group-by"),
        ({"min_area": -1}, "--min-area"),
        ({"max_area": math.nan}, "--max-area"),
        ({"min_area": 10, "max_area": 9}, "--min-area, --max-area"),
        ({"min_image_side": 10, "max_image_side": 9}, "--min-image-side, --max-image-side"),
        ({"subset": -1}, "--subset"),
        ({"seed": -1}, "--split-seed"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ShapeConfig(**settings)
    assert caught.value.where == where
    assert caught.value.fix


def test_the_bounds_themselves_are_fine() -> None:
    ShapeConfig(min_area=9, max_area=9, min_image_side=9, max_image_side=9)
    ShapeConfig(min_image_side=9, max_image_side=0)


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1))
def test_written_names_are_read_back(new: str, olds: list[str]) -> None:
    if any(not name.strip() or "\\" in name for name in [new, *olds]):
        return
    assert parse_merge(write_names(new, olds)) == (new.strip(), olds)


def test_a_file_has_the_same_settings(tmp_path: Path) -> None:
    text = """
    drop: [hair drier, toaster]
    merge: {vehicle: [car, "truck, small"], pet: cat}
    rename: {television: tv}
    val_share: 0.1
    group_by: folder
    min_area: 1e2
    """
    assert from_file(tmp_path, text) == ShapeConfig(
        drop=("hair drier", "toaster"),
        merge=(r"vehicle=car,truck\, small", "pet=cat"),
        rename=("television=tv",),
        val_share=0.1,
        group_by="folder",
        min_area=100.0,
    )
    assert from_file(tmp_path, 'merge: ["vehicle=car,bus"]').merge == ("vehicle=car,bus",)
    assert from_file(tmp_path, "") == ShapeConfig()


def test_what_was_recorded_can_be_given_again(tmp_path: Path) -> None:
    config = ShapeConfig(select=("a",), merge=(r"b=c\,d,e",), val_share=0.2, resplit=True, keep_empty=False, seed=3)
    assert from_file(tmp_path, json.dumps(config.to_dict())) == config


def test_an_unknown_setting_in_a_file_gets_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no setting 'val_shrae'") as caught:
        from_file(tmp_path, "val_shrae: 0.1")
    assert caught.value.fix == "Did you mean 'val_share'?"


@pytest.mark.parametrize("text", ["- drop", "drop: [", "subset: many", "contiguous: 1", "merge: {vehicle: []}"])
def test_a_file_that_means_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, text)
    assert caught.value.fix


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_shape(tmp_path / "none.yaml", {})


def test_no_option_changes_nothing() -> None:
    assert from_command_line() == {}


def test_options_become_settings() -> None:
    arguments = shlex.split("--select car --select bus --merge vehicle=car,bus --contiguous --val-share 0.2 --resplit")
    arguments += shlex.split(
        "--group-by folder --split-seed 7 --min-side 2 --drop-empty --subset 100 --max-image-side 640"
    )
    assert from_command_line(*arguments) == {
        "select": ["car", "bus"],
        "merge": ["vehicle=car,bus"],
        "contiguous": True,
        "val_share": 0.2,
        "resplit": True,
        "group_by": "folder",
        "seed": 7,
        "min_side": 2.0,
        "max_image_side": 640,
        "keep_empty": False,
        "subset": 100,
    }


def test_options_go_over_the_file_and_leave_the_rest_of_it(tmp_path: Path) -> None:
    path = tmp_path / "shape.yaml"
    path.write_text("drop: [car]\nval_share: 0.3\nkeep_empty: false\nsubset: 10\n", encoding="utf-8")
    assert from_command_line("--shape", str(path), "--drop", "bus", "--keep-empty", "--subset", "0") == {
        "drop": ["bus"],
        "val_share": 0.3,
    }


def test_every_setting_has_an_option() -> None:
    options = {parameter.name for parameter in command.params}
    settings = set(ShapeConfig.__dataclass_fields__)
    assert options - {"shape", "drop_empty"} == settings - {"keep_empty"}
