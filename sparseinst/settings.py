"""Settings from YAML files and command lines into dataclasses, with errors that say what was meant."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sparseinst.errors import ConfigError


def read_settings(path: Path, option: str, example: str) -> dict[str, Any]:
    """The settings in a YAML file, which is a mapping from their names; an empty file has none.

    Args:
        path: The file.
        option: What named it on the command line, e.g. "--shape".
        example: A line of such a file, for who wrote something else.

    Raises:
        ConfigError: The file cannot be read, or holds no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file cannot be read ({error}).", where=f"{option} {path}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"The YAML cannot be read: {error}", where=str(path), fix="Mend the syntax.") from error
    if not isinstance(content, dict):
        raise ConfigError("It is not a mapping of settings.", where=str(path), fix=f"E.g. {example}")
    return {str(name): value for name, value in content.items()}


def override_value(name: str, text: str) -> Any:
    """The value in `--set name=text`.

    Raises:
        ConfigError: It is no YAML.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"'{text}' is not a value.", where=f"--set {name}", fix="Quote it as in YAML.") from error


def fill(kind: type[Any], values: Mapping[str, Any] | None, where: str) -> Any:
    """An instance of the dataclass `kind`; what `values` does not name keeps its default.

    Raises:
        ConfigError: An unknown setting, or a value of another type.
    """
    hints = typing.get_type_hints(kind)
    filled = {}
    for name, value in (values or {}).items():
        if name not in hints:
            raise ConfigError(f"There is no setting '{name}'.", where=where, fix=suggest(name, hints))
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
        if origin is Mapping:
            return {str(key): str(item) for key, item in dict(value).items()}
        if dataclasses.is_dataclass(hint):
            return fill(hint, dict(value), where)  # type: ignore[arg-type]  # a class, and not an instance of it
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
    if typing.get_origin(hint) is Mapping or dataclasses.is_dataclass(hint):
        return "a mapping"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}[hint]


def suggest(name: str, known: typing.Iterable[str]) -> str:
    """The known name that was probably meant, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(sorted(names))}."
