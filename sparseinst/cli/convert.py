"""`sparseinst convert`: others' checkpoints become ours, and ours theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparseinst.cli.output import emit

if TYPE_CHECKING:
    from sparseinst.training.convert import Target


@click.command("convert")
@click.argument("source", metavar="IN")
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="A directory for checkpoint.pt, or a .pt file."
)
@click.option(
    "--config", default="", help="A configuration's name or YAML file. [default: the published one that fits]"
)
@click.option(
    "--categories",
    type=click.Path(path_type=Path),
    help="A COCO file with the model's classes. [default: what IN says, or COCO's for 80 classes]",
)
@click.option(
    "--to",
    "target",
    type=click.Choice(["ours", "authors", "mmdet"]),
    default="ours",
    show_default=True,
    help="Whose checkpoint to write.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(source: str, output: Path, config: str, categories: Path | None, target: Target, as_json: bool) -> None:
    """Turn the SparseInst authors' or mmdetection's checkpoint into ours, or the other way round.

    IN is a path, s3://bucket/key or https://… Only the weights are taken over, without the optimizer.

    \b
    Examples:
      sparseinst convert sparse_inst_r50_giam_aug_2b7d68.pth --config sparse_inst_r50_giam_aug --output model
      sparseinst convert s3://models/mmdet/epoch_12.pth --categories annotations/train.json --output model
      sparseinst convert model/checkpoint.pt --to mmdet --output sparseinst_mmdet.pth
    """
    from sparseinst.training.convert import convert

    result = convert(source, output, config=config, categories=categories, to=target)
    others = f" (or {', '.join(result.others)}: --config)" if result.others else ""
    names = ", ".join(category.name for category in result.categories[:3])
    lines = [
        f"checkpoint: {result.file}, {result.bytes_before / 1e6:.1f} MB -> {result.bytes_after / 1e6:.1f} MB",
        f"config:     {result.config}{others}",
        f"classes:    {len(result.categories)}: {names}{', …' if len(result.categories) > 3 else ''}",
    ]
    if target == "ours":
        lines.append(f"next:       sparseinst evaluate --data DATA --model {result.file} --output evaluation")
    emit(
        {
            "checkpoint": str(result.file),
            "layout": result.layout,
            "config": result.config,
            "other_configs": list(result.others),
            "classes": len(result.categories),
            "bytes_before": result.bytes_before,
            "bytes_after": result.bytes_after,
        },
        as_json,
        lines,
    )
