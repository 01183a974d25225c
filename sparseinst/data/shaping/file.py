"""The settings of a shape, from a YAML file and from a command line that goes over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.names import write_names
from sparseinst.errors import ConfigError
from sparseinst.settings import fill


def load_shape(path: Path | None, changes: Mapping[str, Any]) -> ShapeConfig:
    """The settings that a file has, with `changes` over them.

    In the file, `merge` and `rename` may also be mappings: `merge: {vehicle: [car, bus]}`, `rename: {television: tv}`.

    Args:
        path: A YAML file whose keys are attributes of ShapeConfig; None for none.

    Raises:
        ConfigError: The file cannot be read, or a setting or value is not known.
    """
    values = _read(path) if path else {}
    config: ShapeConfig = fill(ShapeConfig, {**values, **changes}, str(path) if path else "shape")
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file cannot be read ({error}).", where=f"--shape {path}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"The YAML cannot be read: {error}", where=str(path), fix="Mend the syntax.") from error
    if not isinstance(content, dict):
        raise ConfigError("It is not a mapping of settings.", where=str(path), fix="E.g. drop: [hair drier]")
    return {str(key): _texts(value) if key in ("merge", "rename") else value for key, value in content.items()}


def _texts(value: Any) -> Any:
    """A mapping from new names to old ones in the form that the command line has."""
    if not isinstance(value, dict):
        return value
    return [
        write_names(str(n), [str(o) for o in (olds if isinstance(olds, list) else [olds])]) for n, olds in value.items()
    ]
