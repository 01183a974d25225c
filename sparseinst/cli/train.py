"""`sparseinst train`: a dataset directory becomes a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sparseinst.cli.output import emit


@click.command("train")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="A dataset directory.")
@click.option(
    "--config", default="sparse_inst_r50_giam", show_default=True, help="A configuration's name or YAML file."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="Overrides a setting; repeatable."
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Where checkpoints go; resumed from.")
@click.option(
    "--nproc", type=click.IntRange(min=1), help="Ranks on this machine. [default: one per GPU, else train.cpu_ranks]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    data: Path, config: str, overrides: tuple[str, ...], output: Path, nproc: int | None, as_json: bool
) -> None:
    """Train a model; goes on by itself from --output.

    \b
    Examples:
      sparseinst train --data data --config sample --output model
      sparseinst train --data data --config sparse_inst_r50_giam --nproc 8 --set train.precision=bf16 --output model
    """
    from sparseinst.training.run import run_training

    result = run_training(data, output, config, overrides, ranks=nproc)
    if int(os.environ.get("RANK", "0")) == 0:
        emit(
            {"checkpoint": str(result.checkpoint), "iterations": result.iterations, "seconds": result.seconds},
            as_json,
            [
                f"checkpoint: {result.checkpoint}",
                f"next:       sparseinst evaluate --data {data} --model {result.checkpoint} --output evaluation",
            ],
        )
