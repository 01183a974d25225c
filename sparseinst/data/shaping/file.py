"""The settings of a shape, from a YAML file and from a command line that goes over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.names import write_names
from sparseinst.settings import fill, read_settings


def load_shape(path: Path | None, changes: Mapping[str, Any]) -> ShapeConfig:
    """The settings that a file has, with `changes` over them.

    In the file, `merge` and `rename` may also be mappings: `merge: {vehicle: [car, bus]}`, `rename: {television: tv}`.

    Args:
        path: A YAML file whose keys are attributes of ShapeConfig; None for none.

    Raises:
        ConfigError: The file cannot be read, or a setting or value is not known.
    """
    written = read_settings(path, "--shape", "drop: [hair drier]") if path else {}
    values = {name: _texts(value) if name in ("merge", "rename") else value for name, value in written.items()}
    config: ShapeConfig = fill(ShapeConfig, {**values, **changes}, str(path) if path else "shape")
    return config


def _texts(value: Any) -> Any:
    """A mapping from new names to old ones in the form that the command line has."""
    if not isinstance(value, dict):
        return value
    return [
        write_names(str(n), [str(o) for o in (olds if isinstance(olds, list) else [olds])]) for n, olds in value.items()
    ]
