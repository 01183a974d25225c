"""`sparseinst lineage`: which data, code and configuration made this."""

from __future__ import annotations

from pathlib import Path

import click

from sparseinst.cli.output import emit
from sparseinst.errors import LineageError


@click.command("lineage")
@click.argument("what")
@click.option(
    "--search",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with more artifacts, e.g. runs; repeatable.",
)
@click.option("--to", help="Triton's model repository, for an endpoint [default: the local stack's].")
@click.option("--quick", is_flag=True, help="Check manifests and links, but hash no files and ask no server for masks.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(what: str, search: tuple[Path, ...], to: str | None, quick: bool, as_json: bool) -> None:
    """Follow a model back to its data, and check every hash on the way: exit 0 if all is whole, 11 if not.

    WHAT is a checkpoint, an export, an evaluation, a dataset directory, a version in a model repository, or
    grpc://host:port/model.

    \b
    Examples:
      sparseinst lineage model/checkpoint.pt
      sparseinst lineage grpc://127.0.0.1:8001/sparseinst --search runs
    """
    from sparseinst.lineage.tell import to_dict, tree
    from sparseinst.lineage.trace import trace

    lineage = trace(what, search=search, repository=_repository(what, to), with_files=not quick)
    problems = lineage.problems()
    links = sum(link.state == "ok" for node in lineage.nodes() for link in node.links)
    whole = f"whole: {len(lineage.nodes())} artifacts, {links} links" + (" (files were not looked at)" if quick else "")
    emit(to_dict(lineage), as_json, [*tree(lineage), "", *([] if problems else [whole])])
    if problems:
        raise LineageError(
            f"The lineage is not whole: {len(problems)} {'finding' if len(problems) == 1 else 'findings'}.",
            where=what,
            details=problems,
            fix="Missing artifacts may be elsewhere: --search DIR. What was changed proves nothing any more.",
        )


def _repository(what: str, to: str | None) -> str | None:
    """Where an endpoint's manifests are: as given, or in the local stack."""
    if to or not what.startswith(("grpc://", "grpcs://", "s3://")):
        return to
    import os

    from sparseinst.serving import stack

    state = stack.read_state(stack.default_root())
    if state is None:
        return None
    for name, value in state.environment().items():
        os.environ.setdefault(name, value)
    return state.model_repository
