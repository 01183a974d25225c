"""The numbers that the calculations start from, as `inputs.yaml` or a copy of it says them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_type_hints

from sparseinst.errors import ConfigError
from sparseinst.settings import fill, read_settings

DEFAULT = Path(__file__).with_name("inputs.yaml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    parameters: int
    bytes_each: int

    @property
    def bytes(self) -> int:
        return self.parameters * self.bytes_each


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    images: int
    image_bytes: int
    batch_size: int
    iterations: int
    step_s: float
    images_a_gpu: int
    loader_ms: float
    gpus_a_node: int
    node_gbit: float
    usable: float
    nvlink_gb: float
    usd_gpu_hour: float
    gpu_counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    state_copies: int
    write_mb: float
    hours_between_stops: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    images_s: float
    executors: int
    instances: int
    spread: float
    patience_s: float
    busy: float
    zones: int
    front_ms: float
    picture_bytes: int
    usd_replica_hour: float
    usd_gb_out: float
    requests_s: tuple[int, ...]

    @property
    def compute_ms(self) -> float:
        """One image, on one executor."""
        return 1000 * self.executors / self.images_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Replies:
    full: int
    compact: int
    json: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    model: Model
    training: Training
    saving: Saving
    serving: Serving
    replies: Replies


def read_inputs(path: Path = DEFAULT) -> Inputs:
    """
    Raises:
        ConfigError: The file cannot be read, lacks a number, or has one that is not known.
    """
    content = read_settings(path, "--inputs", "model: {parameters: 32794785, bytes_each: 4}")
    for section in fields(Inputs):
        values = content.get(section.name)
        known = get_type_hints(Inputs)[section.name]
        missing = [each.name for each in fields(known) if not isinstance(values, dict) or each.name not in values]
        if missing:
            raise ConfigError(
                f"{section.name}: {', '.join(missing)}: missing.", where=str(path), fix=f"Take it from {DEFAULT.name}."
            )
    inputs: Inputs = fill(Inputs, content, str(path))
    return inputs
