"""The weights that training starts from: `train.weights`."""

from __future__ import annotations

from torch import nn

from sparseinst.errors import SparseInstError
from sparseinst.files import sha256_of_file
from sparseinst.model.weights import load_weights
from sparseinst.storage.request import without_secrets
from sparseinst.storage.weights import fetch_weights
from sparseinst.training.distributed import Ranks

NO_WEIGHTS = "none"


def start_from(model: nn.Module, place: str, ranks: Ranks) -> str:
    """Loads the weights at `place` into the model, on every rank; rank 0 fetches them before the others look.

    Returns:
        The file's SHA-256; empty where `place` is "none", which leaves the random weights.

    Raises:
        SparseInstError: The weights cannot be fetched or read, or do not fit the model. Of the kind that the cause has.
    """
    if place == NO_WEIGHTS:
        return ""
    try:
        try:
            fetched = fetch_weights(place) if ranks.is_main else None
        finally:
            ranks.wait()  # also after an error: the others are not left waiting, they meet it themselves
        path = fetched or fetch_weights(place)
        load_weights(model, path, quiet=not ranks.is_main)
    except SparseInstError as error:
        way_out = "" if "train.weights=none" in error.fix else " Or begin from random weights: train.weights=none."
        where = f"train.weights: {error.where or without_secrets(place)}"
        fix = f"{error.fix}{way_out}".strip()
        raise type(error)(error.problem, where=where, details=error.details, fix=fix) from error
    return sha256_of_file(path)
