"""Presets: what a run uses where the command line says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Preset:
    """A training configuration and the gate that fits it; `gate_policy` is for `sparseinst.evaluation.gate.policy`."""

    config: str
    min_ap: float
    gate_policy: dict[str, Any]


def load_preset(name: str) -> Preset:
    """One of pipelines/presets/*.yaml."""
    text = (resources.files("pipelines") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    return Preset(**yaml.safe_load(text))
