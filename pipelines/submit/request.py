"""The pipeline's parameters from the command line's options, named as those of a local run where they mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparseinst.config import config_names, load_config
from sparseinst.data.shaping.file import load_shape
from sparseinst.errors import ConfigError, DatasetError
from sparseinst.evaluation.gate.force import check_force
from sparseinst.evaluation.gate.policy import load_policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What was said on the command line; None and empty for what was not."""

    data: str | None = None
    shape: Path | None = None
    config: str | None = None
    overrides: Sequence[str] = ()
    seed: int | None = None
    min_ap: float | None = None
    policy: Path | None = None
    force_by: str = ""
    force_why: str = ""
    model_name: str | None = None
    others: Sequence[str] = ()  # NAME=VALUE


def parameters_from(wishes: Wishes, preset: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that were asked for. Settings are checked here, where a mistake costs a second and not a night.

    Args:
        wishes: The command line.
        preset: The parameters' values without it: its `config` and `overrides` are what new settings are laid over.

    Raises:
        DatasetError: The data are on this machine, where no cluster finds them.
        ConfigError: A configuration, setting, rule or parameter that cannot be meant.
    """
    if wishes.force_by or wishes.force_why:
        check_force(wishes.force_by, wishes.force_why)
    given = {
        "source": _source(wishes.data),
        "data_options": None if wishes.shape is None else load_shape(wishes.shape, {}).to_dict(),
        "config": wishes.config,
        "overrides": _overrides(wishes, preset),
        "seed": wishes.seed,
        "force_by": wishes.force_by or None,
        "force_why": wishes.force_why or None,
        "model_name": wishes.model_name,
    }
    found = {name: value for name, value in given.items() if value is not None}
    return {**found, **_rules(wishes), **dict(_pair(text) for text in wishes.others)}


def _rules(wishes: Wishes) -> dict[str, Any]:
    """A policy file takes the place of the preset's rules as a whole; an AP that was said holds over both."""
    if wishes.policy is None:
        return {} if wishes.min_ap is None else {"min_ap": wishes.min_ap}
    rules = load_policy(wishes.policy).to_dict()
    min_ap = rules["min_ap"] if wishes.min_ap is None else wishes.min_ap
    return {"min_ap": min_ap, "gate_policy": {**rules, "min_ap": min_ap}}


def _source(data: str | None) -> str | None:
    if data is not None and "://" not in data and Path(data).is_dir():
        raise DatasetError(
            "These data are on this machine; a cluster does not find them.",
            where=f"--data {data}",
            fix="Put them into a bucket, 'make data-push REMOTE=s3' or 'aws s3 sync', and give DATA=s3://bucket/folder",
        )
    return data


def _overrides(wishes: Wishes, preset: Mapping[str, Any]) -> list[str] | None:
    """The preset's settings hold on for what was not said; a configuration of one's own takes their place."""
    config = wishes.config or str(preset.get("config", ""))
    kept = [] if wishes.config else list(preset.get("overrides") or ())
    settings = [*kept, *wishes.overrides]
    if not config.endswith((".yaml", ".yml")):
        load_config(config, settings)
    elif Path(config).is_file():
        raise ConfigError(
            "This file is on this machine; the steps run in their image.",
            where=f"--config {config}",
            fix=f"Put it into the image, or name one of {', '.join(config_names())} and change it with SET=",
        )
    return settings if wishes.overrides or wishes.config else None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(
            f"'{text}' is no NAME=VALUE.", where="--param", fix="E.g. --param workspace=s3://scratch/{run}"
        )
    return name.strip(), value
