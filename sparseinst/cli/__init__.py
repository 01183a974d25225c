"""The command line: `sparseinst VERB`. Each verb lives in its own file and is imported when it is called."""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module

import click

from sparseinst.cli.ending import exit_code_of
from sparseinst.log import set_up_logging

_VERBS = {
    "check": "find every error in a COCO annotation file",
    "repair": "mend what can be mended safely, into a new file",
    "ingest": "bring annotated images into a dataset directory",
    "train": "train a model; goes on by itself from --output",
    "evaluate": "compute the 12 COCO numbers for masks",
    "gate": "decide whether a candidate may be deployed",
    "export": "write a Triton model repository and prove it equal to the checkpoint",
    "deploy": "put an export into service, proven, or keep the old version",
    "rollback": "serve the version before",
    "replicas": "say which server serves which version, and make them equal",
    "lineage": "follow a model back to its data, and check every hash on the way",
    "predict": "find the objects in images",
    "demo": "open a page on the live endpoint: drop a picture, see its objects",
    "drift": "hold what a served model finds against its evaluation, for Prometheus or at once",
    "convert": "turn the authors' or mmdetection's checkpoint into ours, or back",
    "stack": "the local S3 and Triton servers: up, down, status",
}


class LazyGroup(click.Group):
    """Imports a verb's module on use, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = import_module(f"sparseinst.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _VERBS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], _VERBS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else " See 'sparseinst --help'."
            raise click.UsageError(f"There is no verb '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(_VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sparseinst")
def cli() -> None:
    """From COCO annotations to a live Triton endpoint with SparseInst.

    \b
    Example:
      sparseinst ingest --source sample --output data
      sparseinst train --data data --config sample --output model
      sparseinst predict photo.jpg --model model/checkpoint.pt --output pictures
    """


def main() -> None:
    """Runs a verb. A deliberate error becomes "error: ..." on stderr and its own exit code."""
    set_up_logging()
    try:
        code = exit_code_of(cli)
    except BrokenPipeError:  # the reader of our stdout has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(code)
