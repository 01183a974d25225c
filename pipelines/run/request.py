"""What the user asked for, complete: the command line over a preset, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.run.preset import load_preset
from sparseinst.config import load_config
from sparseinst.data.shaping.file import load_shape
from sparseinst.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Request:
    """A run. `data` is None for the sample set."""

    data: Path | None
    config: str
    overrides: tuple[str, ...]
    seed: int
    min_ap: float
    model_name: str
    data_options: dict[str, Any]


def make_request(
    data: Path | None,
    config: str | None,
    overrides: tuple[str, ...],
    seed: int,
    min_ap: float | None,
    model_name: str,
    shape: Path | None = None,
) -> Request:
    """Fills in the preset: "sample" for the sample set, "quick" for other data. `shape` is a file of ShapeConfig.

    Raises:
        DatasetError: There is no such directory.
        ConfigError: There is no such configuration or setting.
    """
    if data is not None and not data.is_dir():
        raise DatasetError(
            "There is no such data directory.",
            where=str(data),
            fix="Give a directory of images with COCO annotations: make pipeline-run DATA=dir",
        )
    preset = load_preset("sample" if data is None else "quick")
    config = config or preset.config
    load_config(config, overrides)
    options = load_shape(shape, {}).to_dict()
    return Request(data, config, overrides, seed, preset.min_ap if min_ap is None else min_ap, model_name, options)
