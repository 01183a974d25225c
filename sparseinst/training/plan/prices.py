"""The table of GPUs: what they can do, and what they cost."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from sparseinst.errors import ConfigError
from sparseinst.settings import fill, suggest
from sparseinst.training.config import Precision

_BUILT_IN = "sparseinst/training/plan/prices.yaml"
_EXAMPLE = "E.g. {date: 2026-08-26, gpus: {T4: {memory_gb: 16, bandwidth_gbs: 320, fp32_tflops: 8.1, usd_per_hour: 1}}}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One GPU. Peaks are of dense operations, in 10^12 a second; 0: it has no such units."""

    name: str
    memory_gb: float  # 10^9 bytes
    bandwidth_gbs: float  # 10^9 bytes a second
    fp32_tflops: float
    tf32_tflops: float = 0.0
    bf16_tflops: float = 0.0
    fp16_tflops: float = 0.0
    usd_per_hour: float
    price_from: str = ""

    @property
    def memory_bytes(self) -> float:
        return self.memory_gb * 1e9

    def computes_in(self, precision: Precision) -> tuple[str, float]:
        """In what format its convolutions compute, and the peak; ("", 0) where it has no units for it.

        torch computes float32 convolutions in TF32 where a GPU can.
        """
        name = "tf32" if precision == "fp32" and self.tf32_tflops else precision
        peak = float(getattr(self, f"{name}_tflops"))
        return (name, peak) if peak else ("", 0.0)


@dataclass(frozen=True, slots=True)
class Prices:
    """A table of GPUs, and when it was written."""

    gpus: tuple[Gpu, ...]
    date: str = ""
    where: str = _BUILT_IN

    @property
    def are_examples(self) -> bool:
        """Whether it is the table that comes with the project."""
        return self.where == _BUILT_IN

    def gpu(self, name: str) -> Gpu:
        """A GPU by its name; upper and lower case are the same.

        Raises:
            ConfigError: It is not in the table.
        """
        found = next((gpu for gpu in self.gpus if gpu.name.lower() == name.lower()), None)
        if found is None:
            names = [gpu.name for gpu in self.gpus]
            fix = f"{suggest(name, names)} Or add it to a file for --prices."
            raise ConfigError(f"There is no GPU '{name}' in the table.", where=self.where, fix=fix)
        return found


def load_prices(path: Path | None = None) -> Prices:
    """The table in a YAML file; None: the one that comes with the project, with example prices.

    Raises:
        ConfigError: The file cannot be read, or says something that is not known or makes no sense.
    """
    where = str(path) if path else _BUILT_IN
    content = _read(path, where)
    if not isinstance(content, dict):
        raise ConfigError("A table of prices is a mapping.", where=where, fix=_EXAMPLE)
    for key in content:
        if key not in ("date", "gpus"):
            raise ConfigError(f"There is no entry '{key}'.", where=where, fix=suggest(str(key), ("date", "gpus")))
    gpus = content.get("gpus")
    if not isinstance(gpus, dict) or not gpus:
        raise ConfigError("The table names no GPU.", where=f"{where}: gpus", fix=_EXAMPLE)
    date = content.get("date") or ""
    text = date.isoformat() if isinstance(date, datetime.date) else str(date)
    return Prices(tuple(_gpu(str(name), values, f"{where}: {name}") for name, values in gpus.items()), text, where)


def _read(path: Path | None, where: str) -> Any:
    try:
        if path is None:
            text = (resources.files(__package__) / "prices.yaml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The table of prices cannot be read ({error}).", where=where, fix="Mend the path given as --prices."
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"The YAML cannot be read: {error}", where=where, fix="Mend the syntax.") from error


def _gpu(name: str, values: Any, where: str) -> Gpu:
    if not isinstance(values, Mapping) or "name" in values:
        raise ConfigError("A GPU is a mapping of numbers under its name.", where=where, fix=_EXAMPLE)
    needed = [field.name for field in fields(Gpu) if field.default is MISSING and field.name != "name"]
    # An unknown name comes first: it is mostly a missing one, misspelt.
    fill_with: dict[str, Any] = {**dict.fromkeys(needed, 1), **values, "name": name}
    gpu: Gpu = fill(Gpu, fill_with, where)
    missing = [each for each in needed if each not in values]
    if missing:
        raise ConfigError(f"{', '.join(missing)}: missing.", where=where, fix="Give a number for each.")
    for field in fields(Gpu):
        value = getattr(gpu, field.name)
        least_is_zero = field.name not in ("memory_gb", "bandwidth_gbs", "fp32_tflops")
        if isinstance(value, float) and not (math.isfinite(value) and (value > 0 or (value == 0 and least_is_zero))):
            raise ConfigError(
                f"{value:g} does not do.",
                where=f"{where}.{field.name}",
                fix="Give 0 or more." if least_is_zero else "Give more than 0.",
            )
    return gpu
