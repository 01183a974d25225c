"""Options that deploy and rollback share."""

from __future__ import annotations

import click

front_door_option = click.option(
    "--front-door/--no-front-door",
    default=True,
    help="With <name>_front, which takes picture files and answers with JSON [default: with, where the server can]; "
    "without, one that serves goes out of service.",
)
wait_option = click.option(
    "--wait",
    type=click.FloatRange(0),
    default=0.0,
    help="Seconds to wait for another rollout of the model to end [default: refuse at once].",
)


def find_metrics(to: str | None) -> str:
    """The address of the local stack's metrics; empty where another server (`to`) is meant, or there is no stack."""
    from sparseinst.serving import stack
    from sparseinst.serving.stack.ports import HOST

    state = None if to else stack.read_state(stack.default_root())
    return f"http://{HOST}:{state.ports['metrics']}/metrics" if state and state.ports else ""
