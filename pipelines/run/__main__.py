"""`python -m pipelines.run`: from annotated images to a live endpoint on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipelines.run.request import GateOptions, make_request
from pipelines.run.signals import Interrupted
from sparseinst.cli.ending import exit_code_of
from sparseinst.log import set_up_logging


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), help="Annotated images. [default: the sample set]")
@click.option("--shape", type=click.Path(path_type=Path), help="YAML: classes, split, filters; see `ingest --shape`.")
@click.option("--config", help="Training configuration, by name or as a YAML file. [default: from the recipe]")
@click.option("--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="Change one setting.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides every random choice.")
@click.option(
    "--min-ap", type=click.FloatRange(0, 1), help="Mask AP that the gate asks for. [default: from the recipe]"
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="YAML: the gate's rules (docs/gate.md). [default: the recipe's]",
)
@click.option("--force-by", default="", help="Your name: deploy the model whatever the gate finds. It is recorded.")
@click.option("--force-why", default="", help="Why, with --force-by.")
@click.option("--model-name", default="sparseinst", show_default=True, help="The name of the served model.")
@click.option(
    "--runner",
    type=click.Choice(["processes", "docker"]),
    default="processes",
    show_default=True,
    help="Where the steps run: in this environment, or in containers of the image in SPARSEINST_IMAGE (make images).",
)
@click.option("--runs", type=click.Path(path_type=Path), default="runs", show_default=True, help="Where runs are kept.")
def command(
    data: Path | None,
    shape: Path | None,
    config: str | None,
    overrides: tuple[str, ...],
    seed: int,
    min_ap: float | None,
    policy: Path | None,
    force_by: str,
    force_why: str,
    model_name: str,
    runner: str,
    runs: Path,
) -> int:
    """Ingest, train, evaluate, gate, export and deploy on this machine, with a real S3 and a real Triton server.

    \b
    Example:
      python -m pipelines.run
      python -m pipelines.run --data photos --min-ap 0.2 --set train.iterations=2000
    """
    gate = GateOptions(min_ap, policy, force_by, force_why)
    request = make_request(data, config, overrides, seed, gate, model_name, shape)
    from pipelines.run.journey import travel  # kfp and all that it brings: not for a refusal

    return travel(request, runs, in_containers=runner == "docker")


def main() -> int:
    """Runs the command; its exit code is the failed step's own, 10 for a refused gate, 130 or 143 when interrupted."""
    set_up_logging()
    try:
        return exit_code_of(command)
    except Interrupted as interruption:
        click.echo("interrupted", err=True)
        return interruption.exit_code


if __name__ == "__main__":
    sys.exit(main())
