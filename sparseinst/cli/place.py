"""Where a rollout goes: the model repository, and the Triton server that serves from it."""

from __future__ import annotations

import os
from collections.abc import Callable

import click


def place_options(function: Callable[..., None]) -> Callable[..., None]:
    """--to and --url, for the verbs that change what Triton serves."""
    url = click.option("--url", help="Triton's gRPC, host:port [default: the local stack's].")
    to = click.option("--to", help="Triton's model repository, a directory or s3://… [default: the local stack's].")
    return to(url(function))


def find_place(to: str | None, url: str | None) -> tuple[str, str]:
    """The model repository and Triton's address; where neither is given, the local stack's.

    Raises:
        ConfigError: Only one of the two is given.
        StackError: Neither is given, and there is no local stack.
    """
    from sparseinst.errors import ConfigError, StackError
    from sparseinst.serving import stack

    if to and url:
        return to, url
    if to or url:
        raise ConfigError(
            "--to and --url belong together: Triton must serve from that repository.",
            where="--url" if to else "--to",
            fix="Give both, or neither for the local stack.",
        )
    state = stack.read_state(stack.default_root())
    if state is None or not state.processes:
        raise StackError(
            "There is no local stack.",
            where=str(stack.default_root()),
            fix="Run `sparseinst stack up`, or give --to and --url.",
        )
    os.environ.update(state.environment())
    return state.model_repository, state.triton_url
