"""What a candidate must do to be deployed: one frozen set of settings, each with its reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sparseinst.errors import ConfigError
from sparseinst.settings import fill, override_value, read_settings

_SHARES = ("min_ap", "max_regression", "max_class_regression", "max_slice_regression")
_COUNTS = ("min_class_instances", "min_slice_instances", "max_latency_ms")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The rules of the gate. AP is from 0 to 1, so one "AP point" is 0.01."""

    min_ap: float = 0.0  # mask AP; 0 asks only that there is one, for data of which nobody knows what can be reached
    max_regression: float = 0.0  # AP it may lose overall: whoever serves keeps its place unless the new one is as good
    # A regression that the bootstrap interval cannot tell from chance. "investigate": nothing is lost by waiting for a
    # person, and small validation sets have wide intervals; "pass" is for retraining on a schedule.
    within_noise: Literal["pass", "investigate", "fail"] = "investigate"
    require_gain: bool = False  # true: only what is better beyond chance may replace what serves
    max_class_regression: float = (
        0.1  # AP that the worst class may lose; a class is measured on less, so it varies more
    )
    min_class_instances: int = 20  # classes with fewer objects say too little to refuse anything
    max_slice_regression: float = 0.1  # AP that the worst part of the images may lose
    min_slice_instances: int = 20  # as for classes
    # A class that the model in service finds, and the candidate not once.
    on_lost_class: Literal["pass", "investigate", "fail"] = "investigate"
    # The two were measured on different data, so their numbers cannot be compared. "thresholds": decide without what
    # serves, e.g. after the validation set was replaced on purpose.
    on_other_data: Literal["investigate", "fail", "thresholds"] = "investigate"
    max_latency_ms: float = 0.0  # of one image alone, from pixels to masks; 0: any, as it depends on the machine
    latency: Literal["p50", "p90", "p99"] = "p99"  # a budget is for the slow requests, not for the typical one
    require_parity: bool = False  # the pipeline exports after the gate, and the export itself refuses without parity

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {getattr(self, name)}; give 0 to 1" for name in _SHARES if not 0 <= getattr(self, name) <= 1
        ]
        wrong += [
            f"{name} is {getattr(self, name)}; give 0 or more" for name in _COUNTS if not getattr(self, name) >= 0
        ]
        if wrong:  # NaN fails both comparisons
            raise ConfigError("The gate's policy asks for what cannot be.", where="policy", details=wrong)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON, YAML and `policy_from` understand."""
        return dataclasses.asdict(self)


def policy_from(values: Mapping[str, Any], where: str = "policy") -> Policy:
    """A policy from plain values; what they do not name keeps its default.

    Raises:
        ConfigError: There is no such setting, or it cannot have this value.
    """
    policy: Policy = fill(Policy, values, where)
    return policy


def load_policy(path: Path | None, overrides: Sequence[str] = (), **values: Any) -> Policy:
    """The policy in a YAML file, with `values` over it and `name=value` overrides over both.

    Raises:
        ConfigError: The file cannot be read, or a setting or value is not known.
    """
    settings = {**(read_settings(path, "--policy", "min_ap: 0.5") if path else {}), **values}
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(
                f"'{override}' is not of the form name=value.", where="--set", fix="E.g. --set min_ap=0.5"
            )
        settings[name] = override_value(name, text)
    return policy_from(settings, str(path) if path else "policy")
