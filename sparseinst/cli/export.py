"""`sparseinst export`: a checkpoint becomes a Triton model repository."""

from __future__ import annotations

from pathlib import Path

import click

from sparseinst.cli.output import emit


@click.command("export")
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True, help="A checkpoint.pt.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The directory to make.")
@click.option("--name", default="sparseinst", show_default=True, help="The model's name in Triton.")
@click.option(
    "--photo",
    "photos",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A picture to prove parity on; repeatable.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    default="float32",
    show_default=True,
    help="What convolutions are computed in; the outputs keep their types.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    help="The largest image that is taken, padding included. [default: four megapixels, or 8 of the model's own size]",
)
@click.option(
    "--also",
    type=click.Choice(["torch-export"]),
    help="Write the model in another format too, as NAME.pt2 beside its folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    checkpoint: Path,
    output: Path,
    name: str,
    photos: tuple[Path, ...],
    dtype: str,
    max_pixels: int | None,
    also: str | None,
    as_json: bool,
) -> None:
    """Write a Triton model repository and prove it equal to the checkpoint.

    \b
    Examples:
      sparseinst export --checkpoint model/checkpoint.pt --output export
      sparseinst export --checkpoint model/checkpoint.pt --output export --dtype float16   # for a GPU
    """
    from sparseinst.export.export import ExportOptions, export

    options = ExportOptions(
        name=name, photos=photos, dtype=dtype, max_pixels=max_pixels or 0, with_torch_export=also is not None
    )
    result = export(checkpoint, output, options)
    emit(
        {"repository": str(result.repository), "name": result.name, "parity": result.parity["worst"]},
        as_json,
        [
            f"repository: {result.repository}/{result.name}",
            f"next:       sparseinst deploy --repository {output} --to MODEL_REPOSITORY --url HOST:PORT",
        ],
    )
