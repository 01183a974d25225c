"""Recipes: what a local run trains, and the gate that fits it, where the command line says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training configuration and the gate that fits it; `gate_policy` is for `sparseinst.evaluation.gate.policy`."""

    config: str
    min_ap: float
    gate_policy: dict[str, Any]


def load_recipe(name: str) -> Recipe:
    """One of pipelines/run/recipes/*.yaml."""
    text = (resources.files("pipelines.run") / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")
    return Recipe(**yaml.safe_load(text))
