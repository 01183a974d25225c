"""Neither the number of ranks nor the size of the micro-batches changes what a step computes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.loading.example import Example, Target
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.manifest import read_manifest
from sparseinst.training.agreement import Agreement, agree
from sparseinst.training.ranks.group import Ranks, joined_ranks
from sparseinst.training.train import train
from tests.training.forked import Forge
from tests.training.recipe import command, finish, losses, recipe

STEPS = 20
BATCH = {"iterations": STEPS, "batch_size": 8, "reference_batch": 8}


@pytest.fixture(scope="module")
def large_batch(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The losses of twenty steps of eight images at once, in one process."""
    output = tmp_path_factory.mktemp("whole")
    torch.set_num_threads(1)
    train(sample, output, recipe(**BATCH))
    return losses(output)


def config_of(micro_batch: int) -> RunConfig:
    return recipe(**BATCH, micro_batch=micro_batch)


def test_the_images_of_these_steps_differ_in_size_and_number_of_objects(sample: Path) -> None:
    config = recipe(**BATCH)
    images = TrainingImages(sample, config.input)
    batches = EndlessBatches(images.tall, batch_size=8, seed=0, start=0, stop=3)
    for batch in batches:
        examples = [images[key] for key in batch]
        assert len({example.image.shape for example in examples}) > 1
        assert len({len(example.target.classes) for example in examples}) > 1


@pytest.mark.parametrize("micro_batch", [1, 2, 4])
def test_gradients_that_add_up_are_those_of_one_large_batch(
    sample: Path, tmp_path: Path, large_batch: list[float], micro_batch: int
) -> None:
    train(sample, tmp_path, config_of(micro_batch))
    assert read_manifest(tmp_path)["facts"]["micro_batch"] == micro_batch
    np.testing.assert_allclose(losses(tmp_path), large_batch, rtol=1e-5)


def test_two_ranks_with_half_the_batch_each_compute_what_one_computes(
    sample: Path, tmp_path: Path, large_batch: list[float]
) -> None:
    finish(command(sample, tmp_path / "two", config_of(2), "--nproc", "2"))
    assert read_manifest(tmp_path / "two")["facts"]["ranks"] == 2
    np.testing.assert_allclose(losses(tmp_path / "two"), large_batch, rtol=1e-5)


def test_a_run_goes_on_with_another_number_of_ranks_and_the_same_batches(
    forge: Forge, sample: Path, tmp_path: Path, large_batch: list[float]
) -> None:
    output, config = tmp_path / "run", recipe(**BATCH, checkpoint_every=1)
    forge.start(command(sample, output, config), ranks=2).end()
    for state in sorted((output / "state").glob("*.pt"))[1:]:
        state.unlink()  # the newest: the run goes on before its last iteration
    messages = forge.start(command(sample, output, config, "--nproc", "1")).end()
    assert "1 ranks, before 2: the images come in the same batches" in messages
    np.testing.assert_allclose(losses(output), large_batch, rtol=1e-5)


@pytest.mark.parametrize(("images", "batch_size", "ranks"), [(7, 4, 2), (12, 8, 2), (5, 3, 3), (9, 8, 4), (3, 8, 2)])
def test_an_epoch_over_uneven_shares_shows_every_image_once(images: int, batch_size: int, ranks: int) -> None:
    tall = np.arange(images) % 2 == 0
    shares = [
        EndlessBatches(tall, batch_size=batch_size, seed=3, start=0, stop=images, rank=rank, world_size=ranks)
        for rank in range(ranks)
    ]
    seen = [key for batches in zip(*shares, strict=True) for batch in batches for key in batch]
    assert [key.position for key in seen] == list(range(images * batch_size))
    for epoch in range(batch_size):
        assert Counter(key.image for key in seen[epoch * images : (epoch + 1) * images]) == Counter(range(images))


def image_with(objects: int, height: int, width: int) -> Example:
    masks = torch.ones((objects, height, width), dtype=torch.uint8)
    return Example(torch.zeros((3, height, width), dtype=torch.uint8), Target(torch.zeros(objects).long(), masks), 1)


def ask(folder: str) -> None:
    """One of two ranks: rank 0 has an image of seven objects, rank 1 one of three in another size."""
    with joined_ranks() as ranks:
        rank = ranks.rank
        examples = [image_with(7, 50, 90)] if rank == 0 else [image_with(3, 70, 40)]
        agreed = agree(ranks, examples, num_masks=5, stop=rank == 1, bad_images=rank, seconds=10.0 + rank)
        nothing = agree(ranks, [image_with(0, 32, 32)], num_masks=5, stop=False, bad_images=0, seconds=0.0)
    torch.save([getattr(agreed, name) for name in Agreement.__slots__] + [nothing.instances], f"{folder}/{rank}.pt")


def test_the_losses_are_divided_by_the_objects_of_all_ranks(forge: Forge, tmp_path: Path) -> None:
    """Specification of the authors' code: objects are summed over the ranks and divided by their number, at least 1."""
    forge.call(ask, str(tmp_path), ranks=2).end()
    for rank in range(2):
        instances, matched, padded, stop, bad_images, seconds, of_nothing = torch.load(tmp_path / f"{rank}.pt")
        assert instances == (7 + 3) / 2
        assert matched == (5 + 3) / 2  # the image of seven has five queries
        assert tuple(padded) == (96, 96)
        assert (stop, bad_images, seconds) == (True, 1, 10.0)
        assert of_nothing == 1 / 2  # a step without any object: 1, shared by two ranks


def test_one_rank_agrees_with_itself() -> None:
    ranks = Ranks(0, 1, torch.device("cpu"))
    agreed = agree(ranks, [image_with(2, 33, 20)], num_masks=5, stop=False, bad_images=0, seconds=1.0)
    assert agreed == Agreement(2.0, 2.0, (64, 32), False, 0, 1.0)
