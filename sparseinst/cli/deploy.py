"""`sparseinst deploy`: an export into service, proven, or the old version serves on."""

from __future__ import annotations

from pathlib import Path

import click

from sparseinst.cli.output import emit
from sparseinst.cli.place import find_place, place_options
from sparseinst.cli.termination import undo_on_sigterm


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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    repository: Path, evaluation: Path | None, gate: Path | None, to: str | None, url: str | None, as_json: bool
) -> None:
    """Publish an export, load it, and prove that Triton answers as the export did.

    When anything fails, the version before serves on and the repository is as it was (exit code 8).

    \b
    Examples:
      sparseinst deploy --repository export --to s3://models --url localhost:8001
      sparseinst deploy --repository export --evaluation evaluation --gate gate
    """
    from sparseinst.serving.rollout import deploy

    undo_on_sigterm()
    served = deploy(repository, *find_place(to, url), evaluation=evaluation, gate=gate)
    emit(
        served.to_dict(),
        as_json,
        [
            f"{served.name} version {served.version} serves at {served.endpoint}",
            f"before: {f'version {served.previous}' if served.previous else 'nothing'}",
            f"next:   sparseinst predict IMAGE --model {served.endpoint} --output pictures",
        ],
    )
