"""What the user asked for, complete: the command line over a recipe, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.run.recipe import Recipe, load_recipe
from sparseinst.config import load_config
from sparseinst.data.shaping.file import load_shape
from sparseinst.errors import DatasetError
from sparseinst.evaluation.gate.force import check_force
from sparseinst.evaluation.gate.policy import load_policy, policy_from

OPEN_GATE = "the gate is open (min AP 0): whatever is trained will be deployed. Set MIN_AP= to ask for more"


@dataclass(frozen=True, slots=True)
class GateRequest:
    """The rules of the gate; who forces it, and why, if somebody does."""

    min_ap: float
    policy: dict[str, Any]
    force_by: str = ""
    force_why: str = ""


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What the command line says about the gate: a mask AP, a YAML file with rules, a forced pass."""

    min_ap: float | None = None
    policy: Path | None = None
    force_by: str = ""
    force_why: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A run. `data` is None for the sample set; `gate` is what the pipeline's parameters of the gate get."""

    data: Path | None
    config: str
    overrides: tuple[str, ...]
    seed: int
    gate: GateRequest
    model_name: str
    data_options: dict[str, Any]


def make_request(
    data: Path | None,
    config: str | None,
    overrides: tuple[str, ...],
    seed: int,
    gate: GateOptions,
    model_name: str,
    shape: Path | None = None,
) -> Request:
    """Fills in the recipe: "sample" for the sample set, "quick" for other data. `shape` is a file of ShapeConfig.

    Raises:
        DatasetError: There is no such directory.
        ConfigError: There is no such configuration, setting or rule, or a forced pass lacks its name or its reason.
    """
    if data is not None and not data.is_dir():
        raise DatasetError(
            "There is no such data directory.",
            where=str(data),
            fix="Give a directory of images with COCO annotations: make pipeline-run DATA=dir",
        )
    recipe = load_recipe("sample" if data is None else "quick")
    config = config or recipe.config
    load_config(config, overrides)
    options = load_shape(shape, {}).to_dict()
    return Request(data, config, overrides, seed, _gate(gate, recipe), model_name, options)


def _gate(options: GateOptions, recipe: Recipe) -> GateRequest:
    """A policy file takes the place of the recipe's rules as a whole: half of each would be nobody's policy."""
    if options.force_by or options.force_why:
        check_force(options.force_by, options.force_why)
    rules = recipe.gate_policy if options.policy is None else load_policy(options.policy).to_dict()
    if options.policy is None and options.min_ap and not recipe.min_ap:
        rules = {}  # who asks for an AP on data of their own wants a gate, and not the recipe's open one
    policy = policy_from({"min_ap": recipe.min_ap, **rules}, "gate_policy")
    min_ap = policy.min_ap if options.min_ap is None else options.min_ap
    return GateRequest(min_ap, {**rules, "min_ap": min_ap}, options.force_by, options.force_why)
