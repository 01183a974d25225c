"""`sparseinst deploy`: an export into service, proven, or the old version serves on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparseinst.cli.output import emit
from sparseinst.cli.place import find_place, place_options
from sparseinst.cli.rollout_options import (
    find_metrics,
    front_door_option,
    replica_lines,
    replica_wait_option,
    wait_option,
)
from sparseinst.cli.termination import undo_on_sigterm

if TYPE_CHECKING:
    from sparseinst.serving.rollout import Deployment

_share = click.FloatRange(0, 1, min_open=True)
_above_0 = click.FloatRange(0, min_open=True)


@click.command()
@click.option(
    "--repository",
    required=True,
    type=click.Path(path_type=Path),
    help="The directory that `sparseinst export` made.",
)
@click.option(
    "--evaluation",
    type=click.Path(path_type=Path),
    help="The folder of its evaluation; goes along, for the next gate to compare with.",
)
@click.option("--gate", type=click.Path(path_type=Path), help="The folder of `gate --output`; no pass, no deployment.")
@place_options
@front_door_option
@click.option("--max-latency-ms", type=_above_0, help="Refuse it if an image takes longer.")
@click.option(
    "--max-slowdown",
    type=_above_0,
    default=2.0,
    show_default=True,
    help="Refuse it if an image takes so many times as long as with the version in service.",
)
@click.option(
    "--shadow",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of pictures that both versions are shown; says how far they agree.",
)
@click.option(
    "--min-agreement",
    type=click.FloatRange(0, 1),
    help="Refuse it if it finds a smaller share of what the version in service finds.",
)
@click.option("--canary", type=_share, help="Give this share of the front door's requests to it before all.")
@click.option("--canary-requests", type=click.IntRange(min=1), help="So many that it has to answer well.")
@click.option("--canary-seconds", type=_above_0, default=600.0, show_default=True, help="The longest canary.")
@click.option("--canary-shadow", is_flag=True, help="Show it those requests behind the scenes: clients never see it.")
@click.option("--metrics-url", help="Triton's metrics, http://host:port/metrics [default: the local stack's].")
@wait_option
@replica_wait_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    repository: Path,
    evaluation: Path | None,
    gate: Path | None,
    to: str | None,
    url: str | None,
    front_door: bool,
    max_latency_ms: float | None,
    max_slowdown: float,
    shadow: Path | None,
    min_agreement: float | None,
    canary: float | None,
    canary_requests: int | None,
    canary_seconds: float,
    canary_shadow: bool,
    metrics_url: str | None,
    wait: float,
    replica_wait: float,
    as_json: bool,
) -> None:
    """Publish an export, load it, and prove that Triton answers as the export did.

    When anything fails, the version before serves on and the repository is as it was (exit code 8).

    \b
    Examples:
      sparseinst deploy --repository export --to s3://models --url localhost:8001
      sparseinst deploy --repository export --evaluation evaluation --gate gate
      sparseinst deploy --repository export --shadow pictures --min-agreement 0.8
      sparseinst deploy --repository export --canary 0.1 --canary-requests 200
    """
    from sparseinst.serving.rollout import Canary, Conditions, deploy

    undo_on_sigterm()
    repository_uri, server = find_place(to, url)
    trial = None
    if canary is not None:
        trial = Canary(
            share=canary,
            metrics_url=metrics_url or find_metrics(to),
            requests=canary_requests or 0,
            seconds=canary_seconds,
            shadow=canary_shadow,
        )
    served = deploy(
        repository,
        repository_uri,
        server,
        evaluation=evaluation,
        gate=gate,
        conditions=Conditions(
            max_latency_ms=max_latency_ms,
            max_slowdown=max_slowdown,
            shadow=shadow,
            min_agreement=min_agreement,
            canary=trial,
        ),
        front_door=front_door,
        wait_s=wait,
        replica_wait_s=replica_wait,
    )
    emit(served.to_dict(), as_json, _lines(served))


def _lines(served: Deployment) -> list[str]:
    found = served.findings
    measured = [f"pace:   {found.pace}"] if found.pace else []
    measured += [f"shadow: {found.agreement}"] if found.agreement else []
    measured += [f"canary: {found.live}"] if found.live else []
    return [
        f"{served.name} version {served.version} serves at {served.endpoint}",
        *([f"pictures go to {served.front_endpoint}"] if served.front_door else []),
        f"before: {f'version {served.previous}' if served.previous else 'nothing'}",
        *replica_lines(served),
        *measured,
        f"next:   sparseinst predict IMAGE --model {served.endpoint} --output pictures",
    ]
