"""A loss that is no number moves nothing, is kept for later, and ends the run when it stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from sparseinst.errors import TrainingError
from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.learner import Learner
from sparseinst.training.train import train
from tests.training.recipe import losses, newest_state, recipe


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the losses of some passes NaN."""

    def these(passes: set[int]) -> None:
        honest, count = Learner.losses, iter(range(1000))

        def spoiled(self: Learner, *arguments: Any) -> torch.Tensor:
            factor = float("nan") if next(count) in passes else 1.0
            return honest(self, *arguments) * factor

        monkeypatch.setattr(Learner, "losses", spoiled)

    return these


def test_a_step_without_a_loss_is_skipped_and_its_evidence_kept(sample: Path, tmp_path: Path, spoil: Any) -> None:
    spoil({2})
    train(sample, tmp_path, recipe(checkpoint_every=1, keep_states=9, norm="bn"))
    states = {state.name[:8]: load_checkpoint(state) for state in (tmp_path / "state").glob("0*.pt")}
    before, after = states["00000002"].weights, states["00000003"].weights
    assert all(torch.equal(before[name], after[name]) for name in before)  # the norms' statistics included
    assert not all(torch.equal(after[name], states["00000004"].weights[name]) for name in after)

    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert records[2]["skipped"] == 1
    assert records[2]["loss"] is None
    assert all("skipped" not in record for record in (*records[:2], *records[3:]))

    folder = tmp_path / "non_finite" / "00000002"
    evidence = json.loads((folder / "batch.json").read_text())
    assert evidence["losses"]["loss_ce"] == "nan"
    assert len(evidence["images"]) == 4
    assert {image["image_id"] for image in evidence["images"]} <= set(range(1, 13))
    kept = load_checkpoint(folder / "state.pt")
    assert all(torch.equal(kept.weights[name], before[name]) for name in before)
    assert kept.training is not None


def test_losses_that_stay_away_end_the_run_with_advice(sample: Path, tmp_path: Path, spoil: Any) -> None:
    spoil(set(range(3, 1000)))
    with pytest.raises(TrainingError, match="not finite for 5 iterations in a row") as caught:
        train(sample, tmp_path, recipe(iterations=100, bad_steps=5, checkpoint_every=2))
    assert "iteration 8" in caught.value.where
    assert "train.lr" in caught.value.fix
    assert not (tmp_path / "checkpoint.pt").exists()
    assert "failed" in (tmp_path / "train.html").read_text()
    assert json.loads((tmp_path / "events.jsonl").read_text().splitlines()[-1])["event"] == "failed"
    assert len(list((tmp_path / "non_finite").iterdir())) == 3  # the first ones; each is as large as a state
    assert all(torch.isfinite(w).all() for w in load_checkpoint(newest_state(tmp_path)).weights.values())


def test_a_loss_that_comes_back_counts_anew(sample: Path, tmp_path: Path, spoil: Any) -> None:
    spoil({1, 2, 4, 5, 7, 8})
    train(sample, tmp_path, recipe(iterations=12, bad_steps=3))
    assert sum(loss is None for loss in losses(tmp_path)) == 6


def test_one_micro_batch_without_a_loss_spoils_its_whole_step_only(sample: Path, tmp_path: Path, spoil: Any) -> None:
    spoil({5})  # the second of four parts of the second step
    train(sample, tmp_path, recipe(micro_batch=1))
    assert [loss is None for loss in losses(tmp_path)] == [False, True, False, False, False, False]
