"""Where a rollout goes: the model repository, and the Triton server that serves from it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sparseinst.serving.stack import StackState


def place_options(function: Callable[..., None]) -> Callable[..., None]:
    """--to and --url, for the verbs that change what Triton serves."""
    url = click.option(
        "--url",
        help="Triton's gRPC, host:port; every server that the name stands for, or a list with commas "
        "[default: the local stack's].",
    )
    to = click.option("--to", help="Triton's model repository, a directory or s3://… [default: the local stack's].")
    return to(url(function))


def find_place(to: str | None, url: str | None) -> tuple[str, str]:
    """The model repository and Triton's address; where neither is given, the local stack's.

    The local stack's credentials go into the environment. Where its address is given, its key for loading does.

    Raises:
        ConfigError: Only one of the two is given.
        StackError: Neither is given, and there is no local stack.
    """
    from sparseinst.errors import ConfigError

    if to and url:
        _take_key_of(url)
        return to, url
    if to or url:
        raise ConfigError(
            "--to and --url belong together: Triton must serve from that repository.",
            where="--url" if to else "--to",
            fix="Give both, or neither for the local stack.",
        )
    state = use_local_stack(instead="--to and --url")
    return state.model_repository, state.triton_url


def use_local_stack(instead: str) -> StackState:
    """The local stack; its credentials go into the environment.

    Args:
        instead: The options that make it needless, for the error.

    Raises:
        StackError: There is none.
    """
    from sparseinst.errors import StackError
    from sparseinst.serving import stack

    state = stack.read_state(stack.default_root())
    if state is None or "triton" not in state.processes:
        raise StackError(
            "There is no local stack.",
            where=str(stack.default_root()),
            fix=f"Run `sparseinst stack up`, or give {instead}.",
        )
    os.environ.update(state.environment())
    return state


def _take_key_of(url: str) -> None:
    """Puts the local stack's key into the environment if `url` is its address."""
    from sparseinst.errors import StackError
    from sparseinst.serving import stack
    from sparseinst.serving.key import KEY_VARIABLE

    with suppress(StackError):  # a damaged local stack has nothing to do with another server
        state = stack.read_state(stack.default_root())
        if state is not None and state.ports and url.replace("localhost", "127.0.0.1") == state.triton_url:
            os.environ[KEY_VARIABLE] = state.triton_key
