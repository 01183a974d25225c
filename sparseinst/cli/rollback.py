"""`sparseinst rollback`: the version before into service again."""

from __future__ import annotations

import click

from sparseinst.cli.output import emit
from sparseinst.cli.place import find_place, place_options
from sparseinst.cli.rollout_options import front_door_option, replica_lines, replica_wait_option, wait_option
from sparseinst.cli.termination import undo_on_sigterm


@click.command()
@click.option("--name", help="The model's name in Triton [default: the only one in the repository].")
@click.option("--version", type=click.IntRange(min=1), help="The version to serve [default: the one before].")
@place_options
@front_door_option
@wait_option
@replica_wait_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    name: str | None,
    version: int | None,
    to: str | None,
    url: str | None,
    front_door: bool,
    wait: float,
    replica_wait: float,
    as_json: bool,
) -> None:
    """Serve the version before, and prove it by its own golden images.

    \b
    Examples:
      sparseinst rollback
      sparseinst rollback --name sparseinst --to s3://models --url localhost:8001
    """
    from sparseinst.serving.rollout import only_model, rollback

    undo_on_sigterm()
    repository, server = find_place(to, url)
    served = rollback(
        name or only_model(repository),
        repository,
        server,
        version=version,
        front_door=front_door,
        wait_s=wait,
        replica_wait_s=replica_wait,
    )
    told = f"{served.name} version {served.version} serves at {served.endpoint}, in place of version {served.previous}"
    emit(served.to_dict(), as_json, [told, *replica_lines(served)])
