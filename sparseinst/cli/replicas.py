"""`sparseinst replicas`: which server serves which version."""

from __future__ import annotations

import click

from sparseinst.cli.output import emit
from sparseinst.cli.place import find_place, place_options
from sparseinst.cli.rollout_options import replica_wait_option, wait_option
from sparseinst.cli.termination import undo_on_sigterm


@click.command()
@click.option("--name", help="The model's name in Triton [default: the only one in the repository].")
@place_options
@click.option("--repair", is_flag=True, help="First bring each to what the repository publishes, as a deploy does.")
@wait_option
@replica_wait_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    name: str | None,
    to: str | None,
    url: str | None,
    repair: bool,
    wait: float,
    replica_wait: float,
    as_json: bool,
) -> None:
    """Say which replica serves which version. Exit code 8 where they differ, or one is not as published.

    With --url and --name alone they are held against each other, without the repository.

    \b
    Examples:
      sparseinst replicas --to s3://models --url sparseinst-triton-control:8001
      sparseinst replicas --to s3://models --url sparseinst-triton-control:8001 --repair
      sparseinst replicas --name sparseinst --url triton-0:8001,triton-1:8001 --json
    """
    from sparseinst.errors import DeployError
    from sparseinst.serving.rollout import make_equal, only_model
    from sparseinst.serving.rollout.standing import standings

    undo_on_sigterm()
    if not (url and name and not to and not repair):
        to, url = find_place(to, url)
    model = name or only_model(str(to))
    if repair:
        make_equal(model, str(to), url, wait_s=wait, replica_wait_s=replica_wait)
    found = standings(model, url, to)
    published = "" if found.published is None else f"published: version {found.published}"
    emit(found.to_dict(), as_json, [*map(str, found.replicas), *([published] if published else [])])
    if found.problems:
        raise DeployError(
            f"The replicas of '{model}' do not all serve what they should.",
            where=url,
            details=found.problems,
            fix="Run it again with --repair. While a deploy is under way they differ, and that is as it should be.",
        )
