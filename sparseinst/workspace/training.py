"""A training whose output is a part of a run, wherever that lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sparseinst.training.order import Surroundings, TrainResult
from sparseinst.training.run import run_training
from sparseinst.workspace.base import Workspace
from sparseinst.workspace.earlier import make_once, training_key
from sparseinst.workspace.opening import fetch

# In the output, and kept by the training itself where it has a mirror: the saved states, and the best model so far.
# The mirror has the newest; what an attempt left may be older, and would stand in its way.
APART = ("state", "best.pt")


def train_once(
    place: Workspace,
    name: str,
    dataset: Mapping[str, str],
    config: str,
    overrides: Sequence[str],
    *,
    ranks: int | None = None,
    reuse: bool = True,
) -> TrainResult:
    """The part `name` of a run: what an earlier run made of the same data, settings and code, or else a training.

    Args:
        dataset: `id` and `location` of the data, as ingest gives them; they are fetched only for a training.
        reuse: Whether what was trained before may be taken.

    Other arguments and errors as `train_into`.
    """
    key = training_key(dataset.get("id", ""), config, overrides) if reuse else ""

    def make() -> None:
        train_into(place, name, fetch(dataset["location"]), config, overrides, ranks=ranks)

    make_once(place, name, key, APART, make)
    return TrainResult.of(place.local(name))


def train_into(
    place: Workspace, name: str, data: Path, config: str, overrides: Sequence[str], *, ranks: int | None = None
) -> TrainResult:
    """Trains into the part `name` of a run, and goes on from what an earlier attempt left there, on any machine.

    In a bucket the saved states go along while the training runs (`train.checkpoint_every`), and the rest at its end.
    Other arguments and errors as `sparseinst.training.run.run_training`.
    """
    with place.make(name, apart=APART) as output:
        around = Surroundings(mirror=place.mirror(name))
        return run_training(data, output, config, overrides, ranks=ranks, surroundings=around)
