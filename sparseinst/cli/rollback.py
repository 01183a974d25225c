"""`sparseinst rollback`: the version before into service again."""

from __future__ import annotations

import click

from sparseinst.cli.output import emit
from sparseinst.cli.place import find_place, place_options
from sparseinst.cli.termination import undo_on_sigterm


@click.command()
@click.option("--name", default="sparseinst", show_default=True, help="The model's name in Triton.")
@click.option("--version", type=click.IntRange(min=1), help="The version to serve [default: the one before].")
@place_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(name: str, version: int | None, to: str | None, url: str | None, as_json: bool) -> None:
    """Serve the version before, and prove it by its own golden images.

    \b
    Example:
      sparseinst rollback --to s3://models --url localhost:8001
    """
    from sparseinst.serving.rollout import rollback

    undo_on_sigterm()
    served = rollback(name, *find_place(to, url), version=version)
    emit(
        served.to_dict(),
        as_json,
        [f"{served.name} version {served.version} serves at {served.endpoint}, in place of version {served.previous}"],
    )
