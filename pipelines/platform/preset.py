"""A preset: where a pipeline's steps run, and what they get there, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pipelines.platform.needs import StepNeeds
from pipelines.platform.rights import SECRETS
from sparseinst.errors import ConfigError
from sparseinst.settings import fill, read_settings, suggest

_EXAMPLE = "steps: {train: {gpus: 1}}"
_KEYS = ("description", "parameters", "every_step", "steps")


@dataclass(frozen=True, slots=True)
class Preset:
    """One of pipelines/presets/*.yaml, or a file of that form.

    Attributes:
        name: The file's name without its ending.
        description: One sentence for who chooses.
        parameters: Defaults of the pipeline's parameters; the others keep the pipeline's own.
        steps: What each step asks for, by the step's name; every step is there.
        launcher: What the step of a training on several nodes asks for itself: it starts the TrainJob and waits.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    steps: Mapping[str, StepNeeds]
    launcher: StepNeeds

    @property
    def workspace(self) -> str:
        """Where the runs' folders are: on the volume, or in S3."""
        return str(self.parameters.get("workspace", "/workspace/{run}"))

    @property
    def several_nodes(self) -> bool:
        return self.steps["train"].nodes > 1

    def pod_of(self, step: str) -> StepNeeds:
        """What the step's own pod asks for: the nodes of a TrainJob are pods of their own."""
        return self.launcher if step == "train" and self.several_nodes else self.steps[step]


def preset_names() -> list[str]:
    """The presets that come with the project."""
    return sorted(path.name.removesuffix(".yaml") for path in _folder().iterdir() if path.name.endswith(".yaml"))


def load_preset(name: str) -> Preset:
    """A preset by its name, or from a YAML file.

    Raises:
        ConfigError: There is none, or something in it cannot be meant.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
    elif name in preset_names():
        path = Path(str(_folder() / f"{name}.yaml"))
    else:
        raise ConfigError(f"There is no preset '{name}'.", where="the preset", fix=suggest(name, preset_names()))
    return _preset(path.stem, read_settings(path, "the preset", _EXAMPLE), str(path))


def _folder() -> Any:
    return resources.files("pipelines") / "presets"


def _preset(name: str, content: Mapping[str, Any], where: str) -> Preset:
    for key in content:
        if key not in _KEYS:
            raise ConfigError(f"There is no setting '{key}'.", where=where, fix=suggest(key, _KEYS))
    every, own = _mapping(content, "every_step", where), _mapping(content, "steps", where)
    for step in own:
        if step not in SECRETS:
            raise ConfigError(f"There is no step '{step}'.", where=f"{where}: steps", fix=suggest(step, SECRETS))
    steps = {
        step: _needs({**every, **_mapping(own, step, f"{where}: steps")}, f"{where}: steps.{step}") for step in SECRETS
    }
    for step, needs in steps.items():
        if needs.nodes > 1 and step != "train":
            raise ConfigError(f"'{step}' runs on one node.", where=f"{where}: steps.{step}", fix="Only train has more.")
    waiting = {key: value for key, value in _mapping(own, "train", where).items() if key in _OF_WAITING}
    launcher = _needs({**every, **waiting}, where)
    return Preset(name, str(content.get("description", "")), _mapping(content, "parameters", where), steps, launcher)


# What the step that waits for a TrainJob has in common with the training itself.
_OF_WAITING = ("retries", "backoff_s", "timeout_minutes", "expected_minutes")


def _needs(values: Mapping[str, Any], where: str) -> StepNeeds:
    try:
        needs: StepNeeds = fill(StepNeeds, values, where)
        return needs
    except ConfigError as error:  # what the dataclass itself refuses knows only the setting's name
        place = error.where if error.where.startswith(where) else f"{where}.{error.where}"
        raise ConfigError(error.problem, where=place, fix=error.fix) from None


def _mapping(content: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise ConfigError(f"'{key}' is no mapping.", where=where, fix=f"E.g. {_EXAMPLE}")
    return value
