"""What can be asked of ingest, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparseinst.data.checks.findings import Finding
from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.file import load_shape
from sparseinst.data.sources.layout import SPLITS


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestSettings:
    """What is asked of ingest beside the source.

    Attributes:
        shape: Classes, split, filters.
        repair: Mends what can be mended safely, in what is written; the source stays as it is.
        strict: Warnings are refused as well.
        leave_images: Images stay in the bucket, and training reads them from there through a cache on its node.
        train_images: How many images to draw for training; only for "sample", as the next two.
        val_images: Likewise for validation.
        seed: Of the drawing.
        version: What the data's version is called, e.g. its DVC hash. Empty: found beside a local source.
    """

    shape: ShapeConfig = field(default_factory=ShapeConfig)
    repair: bool = False
    strict: bool = False
    leave_images: bool = False
    train_images: int = 1000
    val_images: int = 120
    seed: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The dataset directory, the content of its manifest.json, and all findings, none of which stood in the way."""

    location: Path
    manifest: dict[str, Any]
    findings: list[Finding]

    @property
    def version(self) -> str:
        """What the source's own versioning calls the data, e.g. its DVC hash; empty where it has none."""
        return str(self.manifest["source"]["version"])

    def numbers(self) -> dict[str, int]:
        """What is worth comparing between runs: "train_images", "val_crowds", "errors", …"""
        facts = self.manifest["facts"]
        counted = {f"{split}_{what}": count for split in SPLITS for what, count in facts[split].items()}
        return {**counted, "classes": len(facts["categories"]), **{f"{s}s": n for s, n in facts["findings"].items()}}


def settings_from(options: Mapping[str, Any], version: str = "") -> IngestSettings:
    """Settings from plain values: the switches by name, everything else is a field of ShapeConfig.

    Raises:
        ConfigError: There is no such setting, or its value is another type's.
    """
    switches = {name: bool(options[name]) for name in ("repair", "strict", "leave_images") if name in options}
    shape = {name: value for name, value in options.items() if name not in switches}
    return IngestSettings(shape=load_shape(None, shape), version=version, **switches)
