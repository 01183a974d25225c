"""`sparseinst stack`: the local S3 and Triton servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sparseinst.cli.output import emit
from sparseinst.cli.termination import undo_on_sigterm


@click.group()
def command() -> None:
    """The local S3 and Triton servers.

    \b
    Example:
      sparseinst stack up
      sparseinst stack status
      sparseinst stack down
    """


_root = click.option(
    "--root", type=click.Path(path_type=Path), help="The stack's folder [default: SPARSEINST_STACK_DIR, or .stack]."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_port = click.IntRange(1, 65535)


@command.command()
@_root
@click.option("--s3-port", type=_port, help="S3 [default: as last time, or a free one; so for all ports].")
@click.option("--http-port", type=_port, help="Triton's HTTP.")
@click.option("--grpc-port", type=_port, help="Triton's gRPC, which this project's clients use.")
@click.option("--metrics-port", type=_port, help="Triton's metrics.")
@click.option("--watch/--no-watch", default=True, help="Keep repairing in the background.  [default: watch]")
@_json
def up(root: Path | None, as_json: bool, watch: bool, **ports: int | None) -> None:
    """Start the servers, or repair what does not serve.

    \b
    Example:
      sparseinst stack up --grpc-port 8001
    """
    from sparseinst.serving import stack

    undo_on_sigterm()
    asked = {name.removesuffix("_port"): port for name, port in ports.items() if port is not None}
    stack.up(root or stack.default_root(), asked, watch=watch)
    _show(stack.status(root or stack.default_root()), as_json)


@command.command()
@_root
@_json
def status(root: Path | None, as_json: bool) -> None:
    """Say whether the servers serve, and which models. Exit code 7 when something does not.

    \b
    Example:
      sparseinst stack status --json
    """
    from sparseinst.errors import StackError
    from sparseinst.serving import stack

    found = stack.status(root or stack.default_root())
    _show(found, as_json)
    if found.problems:
        raise StackError(
            "The stack does not serve.",
            where=str(found.root),
            details=found.problems,
            fix="Run `sparseinst stack up`; the logs are in the folder's logs/.",
        )


@command.command()
@_root
@click.option(
    "--every", "every_s", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Seconds between looks."
)
def watch(root: Path | None, every_s: float) -> None:
    """Look at the servers and models every few seconds, and repair what does not serve, until the stack is down.

    \b
    Example:
      sparseinst stack watch --every 2
    """
    from sparseinst.serving import stack

    undo_on_sigterm()
    stack.watch(root or stack.default_root(), every_s=every_s)


@command.command()
@_root
@_json
def down(root: Path | None, as_json: bool) -> None:
    """End the servers, and what watches them. The data in S3 stays.

    \b
    Example:
      sparseinst stack down
    """
    from sparseinst.serving import stack

    ended = stack.down(root or stack.default_root())
    emit({"ended": ended}, as_json, [f"ended: {', '.join(ended)}" if ended else "no server was running"])


def _show(found: Any, as_json: bool) -> None:
    lines = [
        f"{server.name:<8} {server.address:<28} {'pid ' + str(server.pid) if server.pid else '-':<12} {server}"
        for server in found.servers
    ]
    lines += [
        f"model    {model.name + (' ' + model.version if model.version else ''):<41} {model}" for model in found.models
    ]
    emit(found.to_dict(), as_json, lines)
