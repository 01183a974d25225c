"""Saved states prove themselves, are few, and survive damage."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.categories import Category
from sparseinst.errors import SparseInstError, StorageError
from sparseinst.training.checkpoint import Checkpoint
from sparseinst.training.state.snapshot import snapshot
from sparseinst.training.state.store import StateStore
from sparseinst.training.train import train
from tests.training.recipe import assert_same_run, recipe


def state(iteration: int) -> Checkpoint:
    weights = {"w": torch.full((1000,), float(iteration))}
    return Checkpoint(weights, RunConfig(), [Category(1, "a")], iteration, training={"x": iteration})


def filled(output: Path, *iterations: int, keep: int = 3) -> StateStore:
    store = StateStore(output, keep)
    for iteration in iterations:
        store.save(state(iteration))
    store.is_settled(wait=True)
    return store


def test_the_newest_state_is_found_and_only_the_last_few_are_kept(tmp_path: Path) -> None:
    with filled(tmp_path, 5, 10, 100, 99_999_999, keep=2) as store:
        found = store.newest()
        assert found is not None
        assert (found.iteration, found.training) == (99_999_999, {"x": 99_999_999})
    names = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert [name.partition("-")[0] for name in names] == ["00000100", "99999999"]


def test_a_run_that_never_saved_has_no_state(tmp_path: Path) -> None:
    with StateStore(tmp_path, 2) as store:
        assert store.newest() is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "flipped bit", "empty", "other content"])
def test_a_damaged_newest_state_falls_back_to_the_one_before_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    with filled(tmp_path, 1, 2) as store:
        newest = max((tmp_path / "state").glob("*.pt"))
        content = bytearray(newest.read_bytes())
        if damage == "flipped bit":
            content[len(content) // 2] ^= 1
        whole = {"cut": content[:-1], "empty": b"", "other content": b"other", "flipped bit": content}
        newest.write_bytes(whole[damage])
        with caplog.at_level(logging.WARNING, "sparseinst"):
            found = store.newest()
    assert found is not None
    assert found.iteration == 1
    assert "the state of iteration 2 is damaged: falling back" in caplog.text
    assert newest.with_name(f"damaged-{newest.name}").exists()


def test_where_every_state_is_damaged_nothing_begins_anew_by_itself(tmp_path: Path) -> None:
    with filled(tmp_path, 1, 2) as store:
        for path in (tmp_path / "state").glob("*.pt"):
            path.write_bytes(b"damaged")
        with pytest.raises(SparseInstError, match="Every saved state") as caught:
            store.newest()
    assert len(caught.value.details) == 2


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    with filled(tmp_path, 1) as store:
        left = tmp_path / "state" / ".00000002-0123456789abcdef.pt.x.tmp"
        left.write_bytes(b"half")
        found = store.newest()
        assert found is not None
        assert found.iteration == 1
        assert not left.exists()


def test_an_error_of_the_writer_is_told_once(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "state").write_text("a file where the folder should be")
    else:
        tmp_path.chmod(0o500)
    with StateStore(tmp_path, 2) as store:
        store.save(state(1))
        with pytest.raises(StorageError, match="cannot be written"):
            store.is_settled(wait=True)
        assert store.is_settled(wait=True)


def test_a_snapshot_does_not_follow_what_it_was_taken_of() -> None:
    living = {"a": torch.zeros(3), "b": [torch.zeros(2), {"c": (torch.zeros(1), 5)}]}
    taken = snapshot(living)
    living["a"] += 1
    living["b"][0] += 1  # type: ignore[index, operator]
    assert taken["a"].tolist() == [0, 0, 0]
    assert taken["b"][0].tolist() == [0, 0]
    assert taken["b"][1]["c"][1] == 5


def test_a_run_whose_newest_state_is_damaged_ends_with_the_same_bits(sample: Path, tmp_path: Path) -> None:
    train(sample, tmp_path / "whole", recipe(checkpoint_every=2))
    train(sample, tmp_path / "damaged", recipe(checkpoint_every=2))
    newest = max((tmp_path / "damaged" / "state").glob("*.pt"))
    newest.write_bytes(newest.read_bytes()[:-100])
    (tmp_path / "damaged" / "checkpoint.pt").unlink()
    train(sample, tmp_path / "damaged", recipe(checkpoint_every=2))
    assert_same_run(tmp_path / "whole", tmp_path / "damaged")
