"""A run's configuration: three dataclasses, filled from a YAML file and from `--set section.name=value`.

A YAML file may name another one as its `base`; what it says itself goes over the base's values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from sparseinst.data.config import InputConfig
from sparseinst.errors import ConfigError
from sparseinst.files import sha256_of_json
from sparseinst.model.config import ModelConfig
from sparseinst.settings import fill, override_value, suggest
from sparseinst.training.config import TrainConfig

_SECTIONS = ("model", "input", "train")
_BUILT_IN = resources.files("sparseinst") / "configs"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """Everything that decides what a training run computes, apart from the data."""

    model: ModelConfig = field(default_factory=ModelConfig)
    input: InputConfig = field(default_factory=InputConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON, YAML and `run_config_from` understand."""
        return {
            name: {
                k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(getattr(self, name)).items()
            }
            for name in _SECTIONS
        }

    def sha256(self) -> str:
        return sha256_of_json(self.to_dict())


def config_names() -> list[str]:
    """The configurations that come with the project."""
    return sorted(path.name.removesuffix(".yaml") for path in _BUILT_IN.iterdir() if path.name.endswith(".yaml"))


def load_config(name_or_path: str, overrides: Sequence[str] = ()) -> RunConfig:
    """A configuration by name or from a YAML file, with `section.name=value` overrides on top.

    Raises:
        ConfigError: There is no such configuration, setting, or value.
    """
    values = _load_yaml(name_or_path)
    for override in overrides:
        key, equals, text = override.partition("=")
        section, dot, name = key.partition(".")
        if not equals or not dot:
            raise ConfigError(
                f"'{override}' is not of the form section.name=value.", where="--set", fix="E.g. --set train.lr=1e-4"
            )
        values.setdefault(section, {})[name] = override_value(key, text)
    return run_config_from(values, where=name_or_path)


def run_config_from(values: Mapping[str, Any], where: str) -> RunConfig:
    """A configuration from nested plain values; every setting that is not named keeps its default.

    Raises:
        ConfigError: An unknown section or setting, or a value of another type.
    """
    for section in values:
        if section not in _SECTIONS:
            raise ConfigError(f"There is no section '{section}'.", where=where, fix=suggest(section, _SECTIONS))
    model = fill(ModelConfig, values.get("model"), f"{where}: model")
    inputs = fill(InputConfig, values.get("input"), f"{where}: input")
    train = fill(TrainConfig, values.get("train"), f"{where}: train")
    return RunConfig(model=model, input=inputs, train=train)


def _load_yaml(name_or_path: str, seen: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    if name_or_path in seen:
        raise ConfigError(
            "The configurations' bases go round in a circle.", where=" -> ".join([*seen, name_or_path]), fix="Break it."
        )
    text = _read(name_or_path)
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"The YAML cannot be read: {error}", where=name_or_path, fix="Mend the syntax.") from error
    if not isinstance(content, dict) or not all(isinstance(v or {}, dict) for k, v in content.items() if k != "base"):
        raise ConfigError(
            "A configuration is a mapping of sections.", where=name_or_path, fix="E.g. train: {iterations: 1000}"
        )
    base = content.pop("base", None)
    values = _load_yaml(str(base), (*seen, name_or_path)) if base else {}
    for section, settings in content.items():
        values[section] = {**values.get(section, {}), **(settings or {})}
    return values


def _read(name_or_path: str) -> str:
    built_in = _BUILT_IN / f"{name_or_path}.yaml"
    if built_in.is_file():
        return built_in.read_text(encoding="utf-8")
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The configuration cannot be read ({error}).", where=name_or_path) from error
    raise ConfigError(
        f"There is no configuration '{name_or_path}'.",
        where="--config",
        fix=f"{suggest(name_or_path, config_names())} Or name a .yaml file.",
    )
