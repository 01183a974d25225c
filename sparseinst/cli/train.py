"""`sparseinst train`: a dataset directory becomes a checkpoint."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from sparseinst.cli.output import emit
from sparseinst.errors import SparseInstError


@click.command("train")
@click.option("--data", type=click.Path(path_type=Path), help="A dataset directory.")
@click.option(
    "--config", default="sparse_inst_r50_giam", show_default=True, help="A configuration's name or YAML file."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="Overrides a setting; repeatable."
)
@click.option("--output", type=click.Path(path_type=Path), help="Where checkpoints go; resumed from.")
@click.option(
    "--nproc", type=click.IntRange(min=1), help="Ranks on this machine. [default: one per GPU, else train.cpu_ranks]"
)
@click.option(
    "--mirror", default="", metavar="PLACE", help="A directory or s3://bucket/prefix: copies of the saved states."
)
@click.option(
    "--deadline", default="", metavar="DURATION", help="Save the state and end (exit code 75) after e.g. 11h30m."
)
@click.option("--plan", is_flag=True, help="Print steps, memory, hours and cost, and train nothing.")
@click.option("--gpu", help="For --plan: the kind of GPU, e.g. A100-80; an error where the run does not fit it.")
@click.option("--nodes", type=click.IntRange(min=1), default=1, help="For --plan: machines, of --nproc GPUs each.")
@click.option("--prices", type=click.Path(path_type=Path), help="For --plan: a YAML file of GPUs and what they cost.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    data: Path | None,
    config: str,
    overrides: tuple[str, ...],
    output: Path | None,
    nproc: int | None,
    mirror: str,
    deadline: str,
    plan: bool,
    gpu: str | None,
    nodes: int,
    prices: Path | None,
    as_json: bool,
) -> None:
    """Train a model; goes on by itself from --output.

    SIGTERM, SIGUSR1 and the deadline save the state and end with exit code 75: the same command goes on, and ends with
    the same weights as if it had never been stopped.

    \b
    Examples:
      sparseinst train --data data --config sample --output model
      sparseinst train --data data --config sparse_inst_r50_giam --nproc 8 --set train.precision=bf16 --output model
      sparseinst train --data data --config sparse_inst_r50_giam --set train.batch_size=64 --set train.micro_batch=8 ...
      sparseinst train --data data --config mine.yaml --output model --mirror s3://runs/42 --deadline 3h50m
      sparseinst train --data data --config sparse_inst_r50_giam --plan --nproc 8 --gpu A100-80
    """
    if plan:
        from sparseinst.cli.train_plan import show_plan

        show_plan(data, config, overrides, gpu=gpu, gpus=nproc or 1, nodes=nodes, prices=prices, as_json=as_json)
        return
    if data is None or output is None:
        raise click.UsageError("Training needs --data and --output. (--plan needs neither.)")
    from sparseinst.training.order import Surroundings
    from sparseinst.training.ranks.verdicts import tell
    from sparseinst.training.run import run_training
    from sparseinst.training.trouble.stop import seconds_of

    surroundings = Surroundings(mirror=mirror, deadline_s=seconds_of(deadline))
    try:
        result = run_training(data, output, config, overrides, ranks=nproc, surroundings=surroundings)
    except SparseInstError as error:
        if tell(error):  # the process that started the ranks says it, once
            sys.exit(error.exit_code)
        raise
    if "RANK" not in os.environ:
        emit(
            {"checkpoint": str(result.checkpoint), "iterations": result.iterations, "seconds": result.seconds},
            as_json,
            [
                f"checkpoint: {result.checkpoint}",
                f"next:       sparseinst evaluate --data {data} --model {result.checkpoint} --output evaluation",
            ],
        )
