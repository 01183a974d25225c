"""Prices of an hour of a CPU, a GiB of memory and an accelerator: pipelines/prices.yaml, or a file of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from sparseinst.errors import ConfigError
from sparseinst.settings import fill, read_settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """Per hour. `date` and `source` say what they are worth."""

    date: str = ""
    source: str = ""
    currency: str = "USD"
    cpu_hour: float = 0.0
    memory_gib_hour: float = 0.0
    accelerator_hour: Mapping[str, str] = field(default_factory=dict)
    spot_share: float = 1.0

    def of_accelerator(self, resource: str) -> float | None:
        """An hour of one, None where the file does not say it."""
        return float(self.accelerator_hour[resource]) if resource in self.accelerator_hour else None


def load_prices(path: Path | None) -> Prices:
    """The prices in a file, by default the examples that come with the project.

    Raises:
        ConfigError: It cannot be read, or holds something that is no price.
    """
    file = path or Path(str(resources.files("pipelines") / "prices.yaml"))
    prices: Prices = fill(Prices, read_settings(file, "--prices", "cpu_hour: 0.03"), str(file))
    for name, value in prices.accelerator_hour.items():
        try:
            float(value)
        except ValueError:
            raise ConfigError(f"'{value}' is not a price.", where=f"{file}: accelerator_hour.{name}") from None
    return prices
