"""Which data something was made from: what travels from the dataset into everything that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DataOrigin:
    """The id of the dataset's manifest, and what the source's own versioning calls the data, such as its DVC hash.

    Both are empty where nobody knows.
    """

    id: str = ""
    version: str = ""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> DataOrigin:
        """From the content of a dataset's manifest.json."""
        source = manifest.get("source")
        return cls(str(manifest.get("id", "")), str(source.get("version", "")) if isinstance(source, dict) else "")

    def inputs(self) -> dict[str, str]:
        """What a manifest names among its inputs."""
        named = {"dataset": self.id, "data_version": self.version}
        return {role: value for role, value in named.items() if value}
