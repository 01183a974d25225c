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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(checkpoint: Path, output: Path, name: str, photos: tuple[Path, ...], as_json: bool) -> None:
    """Write a Triton model repository and prove it equal to the checkpoint.

    \b
    Example:
      sparseinst export --checkpoint model/checkpoint.pt --output export
    """
    from sparseinst.export.export import export

    result = export(checkpoint, output, name, photos)
    emit(
        {"repository": str(result.repository), "name": result.name, "parity": result.parity["worst"]},
        as_json,
        [
            f"repository: {result.repository}/{result.name}",
            f"next:       sparseinst deploy --repository {output} --to MODEL_REPOSITORY --url HOST:PORT",
        ],
    )
