"""The pipeline's parameters as they were given, checked against the pipeline before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from pipelines.submit.compiled import Compiled
from sparseinst.errors import ConfigError
from sparseinst.settings import suggest

_MEANT = {
    "STRING": "a text",
    "NUMBER_INTEGER": "a whole number",
    "NUMBER_DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "LIST": "a list, e.g. [a, b]",
    "STRUCT": "a mapping, e.g. {a: 1}",
}


def checked(given: Mapping[str, Any], compiled: Compiled) -> dict[str, Any]:
    """The given parameters, each as its type: a text from the command line may be a number, a list or a mapping.

    Raises:
        ConfigError: The pipeline has no such parameter, or it cannot be of the parameter's type.
    """
    values = {}
    for name, value in given.items():
        if name not in compiled.parameters:
            raise ConfigError(
                f"The pipeline has no parameter '{name}'.", where="--param", fix=suggest(name, compiled.parameters)
            )
        values[name] = _coerced(name, value, compiled.parameters[name]["parameterType"])
    return values


def defaults(compiled: Compiled) -> dict[str, Any]:
    """What the parameters are where nobody says otherwise: the pipeline's defaults and the preset's."""
    return {
        name: _as(about["defaultValue"], about["parameterType"])  # in the file every number is a float
        for name, about in compiled.parameters.items()
        if "defaultValue" in about
    }


def _coerced(name: str, value: Any, kind: str) -> Any:
    try:
        return _as(value, kind)
    except (TypeError, ValueError, yaml.YAMLError):
        raise ConfigError(
            f"'{value}' is not {_MEANT.get(kind, kind)}.",
            where=f"parameter {name}",
            fix=f"Give {_MEANT.get(kind, kind)}.",
        ) from None


def _as(value: Any, kind: str) -> Any:
    if kind == "STRING":
        return str(value)
    if isinstance(value, str):
        value = yaml.safe_load(value)
    if kind == "BOOLEAN" and not isinstance(value, bool):
        raise ValueError
    if kind in ("NUMBER_INTEGER", "NUMBER_DOUBLE"):
        if isinstance(value, bool) or (kind == "NUMBER_INTEGER" and float(value) != int(float(value))):
            raise ValueError
        return int(float(value)) if kind == "NUMBER_INTEGER" else float(value)
    if kind == "LIST" and not isinstance(value, (list, tuple)):
        raise ValueError
    if kind == "STRUCT" and not isinstance(value, Mapping):
        raise ValueError
    return list(value) if kind == "LIST" else dict(value) if kind == "STRUCT" else value
