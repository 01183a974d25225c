"""Replicas, networks and money for so many requests a second, by calculation."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from benchmarks.scaling.inputs import Inputs


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingRow:
    """So many requests a second.

    Attributes:
        requests_s: What users ask.
        replicas: As many as the autoscaler wants, each as busy as its target says.
        replicas_with_spare: That leave as many when one zone of all is lost.
        in_gbit: Pictures, to the front door.
        out_gbit: Replies by their form.
        front_cores: That decode, resize and make masks.
        usd_hour: Of the replicas with spare ones.
        usd_million: Of a million requests: replicas, and replies as JSON to the internet.
    """

    requests_s: int
    replicas: int
    replicas_with_spare: int
    in_gbit: float
    out_gbit: dict[str, float]
    front_cores: float
    usd_hour: float
    usd_million: float


def serving_rows(inputs: Inputs) -> list[ServingRow]:
    """A row for each rate in the inputs."""
    return [_row(inputs, rate) for rate in inputs.serving.requests_s]


def _row(inputs: Inputs, requests_s: int) -> ServingRow:
    told = inputs.serving
    replicas = math.ceil(requests_s / (told.images_s * told.busy))
    spare = math.ceil(replicas / (told.zones - 1)) * told.zones if told.zones > 1 else replicas
    hour = spare * told.usd_replica_hour
    out = {form.name: _gbit(requests_s * getattr(inputs.replies, form.name)) for form in fields(inputs.replies)}
    network = 1e6 * inputs.replies.json / 1e9 * told.usd_gb_out
    return ServingRow(
        requests_s=requests_s,
        replicas=replicas,
        replicas_with_spare=spare,
        in_gbit=_gbit(requests_s * told.picture_bytes),
        out_gbit=out,
        front_cores=requests_s * told.front_ms / 1000,
        usd_hour=hour,
        usd_million=hour / (requests_s * 3600) * 1e6 + network,
    )


def _gbit(bytes_s: float) -> float:
    return 8 * bytes_s / 1e9
