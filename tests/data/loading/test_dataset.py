"""A training example is decided by its key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sparseinst.data.config import InputConfig
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.data.loading.dataset import Key, TrainingImages
from sparseinst.data.loading.sampler import EndlessBatches

SETTINGS = {
    "crop": 0.5,
    "crop_short_sides": (80, 100),
    "crop_smallest": 64,
    "crop_largest": 90,
    "train_short_sides": (64, 72, 80, 88, 96),
    "train_longest_side": 1000,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sample"
    ingest("sample", folder, IngestSettings(train_images=8, val_images=1))
    return folder


def batches(images: TrainingImages) -> Iterator[list[Key]]:
    return iter(EndlessBatches(images.tall, batch_size=4, seed=1, start=0, stop=6))


def test_the_same_key_gives_the_same_example_cropped_or_not(root: Path) -> None:
    images = TrainingImages(root, InputConfig(**SETTINGS))  # type: ignore[arg-type]
    keys = [key for batch in batches(images) for key in batch]
    first = [images[key] for key in keys]
    for key, example in reversed(list(zip(keys, first, strict=True))):
        again = images[key]
        assert torch.equal(again.image, example.image)
        assert torch.equal(again.target.masks, example.target.masks)
        assert torch.equal(again.target.classes, example.target.classes)
    by_image = [example.image for key, example in zip(keys, first, strict=True) if key.image == 0]
    assert len({tuple(pixels.flatten().tolist()) for pixels in by_image}) == len(by_image) == 3


def test_a_batch_has_one_scale_also_where_some_are_cropped(root: Path) -> None:
    images = TrainingImages(root, InputConfig(**SETTINGS, scale_per="batch"))  # type: ignore[arg-type]
    sides = []
    for batch in batches(images):
        shorter = {min(images[key].image.shape[1:]) for key in batch}
        assert len(shorter) == 1
        sides.append(shorter.pop())
    assert len(set(sides)) > 2
    plain = TrainingImages(root, InputConfig(**{**SETTINGS, "crop": 0.0}, scale_per="batch"))  # type: ignore[arg-type]
    assert sides == [min(plain[batch[0]].image.shape[1:]) for batch in batches(plain)]
