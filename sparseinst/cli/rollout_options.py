"""Options that deploy and rollback share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sparseinst.serving.rollout import Deployment

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
replica_wait_option = click.option(
    "--replica-wait",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="Seconds to wait for one of several replicas that does not answer, as one that starts.",
)


def find_metrics(to: str | None) -> str:
    """The address of the local stack's metrics; empty where another server (`to`) is meant, or there is no stack."""
    from sparseinst.serving import stack
    from sparseinst.serving.stack.ports import HOST

    state = None if to else stack.read_state(stack.default_root())
    return f"http://{HOST}:{state.ports['metrics']}/metrics" if state and state.ports else ""


def replica_lines(served: Deployment) -> list[str]:
    """For people: what it took on each of several replicas; nothing where there is one."""
    if len(served.replicas) < 2:
        return []
    return [f"replica {visit.address}: {visit.seconds:.1f} s" for visit in served.replicas]
