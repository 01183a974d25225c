"""Fine-tuning takes over what the weights know of a class by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.categories import Category
from sparseinst.model.network import SparseInst
from sparseinst.model.weights.loading import CLASS_BIAS, CLASS_WEIGHT
from sparseinst.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from sparseinst.training.classes import class_names
from sparseinst.training.train import train
from tests.tiny import TINY
from tests.training.recipe import recipe

OURS = ["disc", "triangle", "cross", "ring"]  # of the drawn images


@pytest.mark.parametrize(
    "theirs",
    [["ring", "car", "disc"], ["ring", "cross", "triangle", "disc"], ["car", "bus", "van", "tram"], OURS],
    ids=["some", "another order", "none", "all"],
)
def test_rows_follow_their_names(sample: Path, tmp_path: Path, theirs: list[str]) -> None:
    torch.manual_seed(5)
    known = SparseInst(TINY, len(theirs)).state_dict()
    known[CLASS_BIAS] = torch.arange(len(theirs)) - 3.0
    weights = tmp_path / "known.pt"
    categories = [Category(index, name) for index, name in enumerate(theirs, 1)]
    save_checkpoint(weights, Checkpoint(known, RunConfig(model=TINY), categories, 100))
    train(sample, tmp_path / "run", recipe(weights=str(weights), lr=1e-12, iterations=1, weight_decay=0.0))
    learned = load_checkpoint(tmp_path / "run" / "checkpoint.pt").weights
    for row, name in enumerate(OURS):
        if name in theirs:
            torch.testing.assert_close(learned[CLASS_WEIGHT][row], known[CLASS_WEIGHT][theirs.index(name)])
            torch.testing.assert_close(learned[CLASS_BIAS][row], known[CLASS_BIAS][theirs.index(name)])
        else:
            assert learned[CLASS_BIAS][row] == pytest.approx(-4.59512, abs=1e-4)  # as a new model begins
    torch.testing.assert_close(learned["encoder.fusion.weight"], known["encoder.fusion.weight"])


def test_names_are_found_in_every_kind_of_checkpoint() -> None:
    assert class_names({"categories": [{"id": 3, "name": "a"}]}, 1) == ["a"]
    assert class_names({"meta": {"dataset_meta": {"classes": ("x", "y")}}}, 2) == ["x", "y"]
    assert class_names({"meta": {"CLASSES": ["x", "y"]}}, 2) == ["x", "y"]
    assert class_names({"model": {}}, 80)[:2] == ["person", "bicycle"]
    assert class_names({"model": {}}, 5) == []
    assert class_names({"meta": {"CLASSES": ["x", "y"]}}, 3) == []  # names that do not fit the layer
