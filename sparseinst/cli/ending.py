"""How every command of this project ends: a deliberate error is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import click

from sparseinst.errors import SparseInstError

INTERRUPTED = 130


def exit_code_of(command: click.Command, arguments: list[str] | None = None) -> int:
    """Runs a command, tells what was wrong on stderr, and gives the exit code.

    Args:
        command: What it returns, or gives to `ctx.exit()`, is the code; nothing is 0.
        arguments: Instead of the process's own.
    """
    try:
        code = command.main(arguments, standalone_mode=False)
    except SparseInstError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    return code if isinstance(code, int) else 0
