"""The weights that training starts from: `train.weights`."""

from __future__ import annotations

from collections.abc import Sequence

from sparseinst.data.categories import Category
from sparseinst.errors import SparseInstError
from sparseinst.files import sha256_of_file
from sparseinst.model.network import SparseInst
from sparseinst.model.weights import load_weights
from sparseinst.storage.request import without_secrets
from sparseinst.storage.weights import fetch_weights
from sparseinst.training.classes import class_layer, transplant
from sparseinst.training.config import NO_WEIGHTS
from sparseinst.training.ranks.group import Ranks


def start_from(model: SparseInst, place: str, ranks: Ranks, categories: Sequence[Category]) -> str:
    """Loads the weights at `place` into the model, on every rank; rank 0 fetches them before the others look.

    Classes that the weights know by name go on from there; `categories` are the data's.

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
        fresh = {name: tensor.clone() for name, tensor in class_layer(model).items()}
        load_weights(model, path, quiet=not ranks.is_main)
        transplant(model, fresh, path, categories, quiet=not ranks.is_main)
    except SparseInstError as error:
        way_out = "" if "train.weights=none" in error.fix else " Or begin from random weights: train.weights=none."
        where = f"train.weights: {error.where or without_secrets(place)}"
        fix = f"{error.fix}{way_out}".strip()
        raise type(error)(error.problem, where=where, details=error.details, fix=fix) from error
    return sha256_of_file(path)
