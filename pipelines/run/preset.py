"""Presets: what a run uses where the command line says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class Preset:
    """A training configuration and the gate that fits it."""

    config: str
    min_ap: float


def load_preset(name: str) -> Preset:
    """One of pipelines/presets/*.yaml."""
    text = (resources.files("pipelines") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    return Preset(**yaml.safe_load(text))
