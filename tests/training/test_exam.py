"""Evaluation during training: the numbers of `evaluate`, the best model kept, an end where nothing gets better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.categories import Category
from sparseinst.errors import ConfigError, TrainingError
from sparseinst.evaluation.coco.numbers import NUMBERS, mask_metrics
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.looking import Looker, Seen
from sparseinst.evaluation.truth import load_split
from sparseinst.model.network import SparseInst
from sparseinst.training import exam as exam_module
from sparseinst.training.checkpoint import Checkpoint, load_checkpoint
from sparseinst.training.config import TrainConfig
from sparseinst.training.exam import Exam, Marks
from sparseinst.training.ranks.group import joined_ranks
from sparseinst.training.train import train
from tests.tiny import TINY
from tests.training.forked import Forge
from tests.training.recipe import recipe


def evaluations(output: Path) -> dict[int, dict[str, float | None]]:
    records = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    return {record["iteration"]: record["evaluation"] for record in records if "evaluation" in record}


@pytest.fixture
def aps(monkeypatch: pytest.MonkeyPatch):
    """Makes evaluations end with these APs, one after the other; all else of them is real."""

    def set_to(*values: float) -> None:
        honest, left = Exam._mark, iter(values)

        def mark(self: Exam, parts: list) -> Marks:  # type: ignore[type-arg]
            found = honest(self, parts)
            found.numbers["AP"] = next(left)
            return found

        monkeypatch.setattr(Exam, "_mark", mark)

    return set_to


def take(folder: str, data: str) -> None:
    """One of two ranks, whose model answers with the truth of each image that it is shown, but for one object."""
    shown = []

    def look(self: Looker, images: list[dict[str, Any]], seen: Seen) -> None:
        for image in images:
            shown.append(image["id"])
            truth = self.truth.instances(image)
            known = Instances(truth.scores * 0.9, truth.classes, truth.masks)
            seen.results += known.to_coco(image["id"], self.truth.categories)[int(image["id"] == min(IDS)) :]

    Looker.look = look  # type: ignore[method-assign]
    exam_module._BATCH = 1  # whole batches are shared, and there are but a few images
    categories = [Category(n, name) for n, name in enumerate(["disc", "triangle", "cross", "ring"], 1)]
    model = Checkpoint(SparseInst(TINY, 4).state_dict(), RunConfig(model=TINY), categories, 1)
    IDS = {image["id"] for image in load_split(Path(data), "val").images}
    with joined_ranks() as ranks:
        exam = Exam(Path(data), ranks)
        marks = exam.take(model, stop=lambda: False, beat=lambda: None)
        stopped = exam.take(model, stop=lambda: ranks.rank == 1, beat=lambda: None)
    assert marks is not None
    assert stopped is None
    Path(f"{folder}/{ranks.rank}.json").write_text(json.dumps([marks.numbers, shown]))


def test_ranks_share_the_images_and_all_get_the_numbers_of_all_of_them(
    forge: Forge, sample: Path, tmp_path: Path
) -> None:
    forge.call(take, str(tmp_path), str(sample), ranks=2).end()
    (numbers, first), (same, second) = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert numbers == same
    truth = load_split(sample, "val")
    assert sorted(first + second) == sorted(image["id"] for image in truth.images)
    assert abs(len(first) - len(second)) <= 1
    missed = min(image["id"] for image in truth.images)
    results = [
        found
        for image in truth.images
        for found in truth.instances(image).to_coco(image["id"], truth.categories)[int(image["id"] == missed) :]
    ]
    expected = mask_metrics(truth.coco, results)
    assert numbers == pytest.approx({name: expected[name] for name in NUMBERS})
    assert 0.5 < numbers["AR100"] < 1


def test_the_best_model_is_kept_and_can_be_the_result(sample: Path, tmp_path: Path, aps) -> None:
    aps(0.1, 0.3, 0.2, 0.1)
    result = train(
        sample, tmp_path, recipe(iterations=8, eval_every=2, result="best", checkpoint_every=2, keep_states=9)
    )
    assert result.ap == 0.3
    best, made = (load_checkpoint(tmp_path / name) for name in ("best.pt", "checkpoint.pt"))
    assert best.iteration == made.iteration == 4
    state = load_checkpoint(next((tmp_path / "state").glob("00000004-*")))
    assert all(torch.equal(made.weights[name], state.weights[name]) for name in state.weights)


def test_a_run_that_gets_no_better_ends_and_stays_ended(sample: Path, tmp_path: Path, aps) -> None:
    aps(0.1, 0.3, 0.2, 0.3, 0.9)
    config = recipe(iterations=100, eval_every=2, early_stop=2)
    result = train(sample, tmp_path, config)
    assert (result.iterations, result.ap) == (8, 0.3)
    assert list(evaluations(tmp_path)) == [2, 4, 6, 8]
    again = train(sample, tmp_path, config)
    assert again.iterations == 8
    assert list(evaluations(tmp_path)) == [2, 4, 6, 8]


@pytest.mark.parametrize("settings", [{"early_stop": 3}, {"result": "best"}])
def test_what_needs_evaluations_is_refused_without_them(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="does not do") as caught:
        TrainConfig(eval_every=0, **settings)  # type: ignore[arg-type]
    assert "early_stop and result=best need evaluations" in caught.value.fix


def test_pictures_and_the_precision_recall_curve_reach_tensorboard(sample: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(sample, tmp_path, recipe(eval_every=6))
    events = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"tensors": 0, "images": 0})
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "train/lr", "train/grad_norm", "train/images_per_second", "val/AP"} <= set(tags["scalars"])
    assert len(tags["images"]) == 4
    assert "val/precision_recall_IoU50" in tags["tensors"]


def test_a_second_process_is_kept_out_of_the_output(sample: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    with FileLock(tmp_path / ".lock"), pytest.raises(TrainingError, match="Another process is training") as caught:
        train(sample, tmp_path, recipe())
    assert "another --output" in caught.value.fix
    train(sample, tmp_path, recipe())
