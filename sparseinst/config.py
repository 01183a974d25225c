"""A run's configuration: three dataclasses, filled from a YAML file and from `--set section.name=value`.

A YAML file may name another one as its `base`; what it says itself goes over the base's values.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
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
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"'{text}' is not a value.", where=f"--set {key}", fix="Quote it as in YAML.") from error
        values.setdefault(section, {})[name] = value
    return run_config_from(values, where=name_or_path)


def run_config_from(values: Mapping[str, Any], where: str) -> RunConfig:
    """A configuration from nested plain values; every setting that is not named keeps its default.

    Raises:
        ConfigError: An unknown section or setting, or a value of another type.
    """
    for section in values:
        if section not in _SECTIONS:
            raise ConfigError(f"There is no section '{section}'.", where=where, fix=_suggest(section, _SECTIONS))
    model = _fill(ModelConfig, values.get("model"), f"{where}: model")
    inputs = _fill(InputConfig, values.get("input"), f"{where}: input")
    train = _fill(TrainConfig, values.get("train"), f"{where}: train")
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
        fix=f"{_suggest(name_or_path, config_names())} Or name a .yaml file.",
    )


def _fill(kind: type[Any], values: Mapping[str, Any] | None, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    filled = {}
    for name, value in (values or {}).items():
        if name not in hints:
            raise ConfigError(f"There is no setting '{name}'.", where=where, fix=_suggest(name, hints))
        filled[name] = _coerce(value, hints[name], f"{where}.{name}")
    return kind(**filled)


def _coerce(value: Any, hint: Any, where: str) -> Any:
    """The value as the declared type. YAML 1.1 reads 1e-4 as a string, and 5 as an integer where a float is meant."""
    origin = typing.get_origin(hint)
    try:
        if origin is typing.Literal:
            if value in typing.get_args(hint):
                return value
            raise ValueError
        if origin is tuple:
            items = value if isinstance(value, (list, tuple)) else [value]
            return tuple(_coerce(item, typing.get_args(hint)[0], where) for item in items)
        if hint is bool or isinstance(value, bool) or origin is types.UnionType:
            if isinstance(value, bool) and hint is bool:
                return value
            raise ValueError
        if hint is int and float(value) != int(float(value)):
            raise ValueError
        return hint(float(value)) if hint is int else hint(value)
    except (TypeError, ValueError, OverflowError) as error:
        choices = f"one of {', '.join(map(str, typing.get_args(hint)))}" if origin is typing.Literal else _name(hint)
        raise ConfigError(f"'{value}' is not {choices}.", where=where, fix=f"Give {choices}.") from error


def _name(hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return f"a list, each item {_name(typing.get_args(hint)[0])}"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}[hint]


def _suggest(name: str, known: typing.Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(sorted(names))}."
