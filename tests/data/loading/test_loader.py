"""What worker processes make is what this process would make, errors included."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.config import InputConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.loading.example import Example, Target
from sparseinst.data.loading.loader import training_loader
from sparseinst.data.loading.parcel import pack, unpack
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.errors import DatasetError

CONFIG = InputConfig(
    crop=0.5,
    crop_short_sides=(40, 50),
    crop_smallest=24,
    crop_largest=48,
    train_short_sides=(32, 40, 48),
    vertical_flip=0.5,
    colour_jitter=0.2,
)


def batches(images: TrainingImages, stop: int = 6) -> EndlessBatches:
    return EndlessBatches(images.tall, batch_size=4, seed=1, start=0, stop=stop)


def is_same(one: Example, other: Example) -> bool:
    return (
        torch.equal(one.image, other.image)
        and torch.equal(one.target.masks, other.target.masks)
        and torch.equal(one.target.classes, other.target.classes)
        and one.image_id == other.image_id
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_make_the_same_examples(mixed_root: Path, workers: int) -> None:
    images = TrainingImages(mixed_root, CONFIG)
    here = list(training_loader(images, batches(images), workers=0))
    there = list(training_loader(images, batches(images), workers=workers))
    assert [len(batch) for batch in there] == [4] * 6
    for one, other in zip([e for b in here for e in b], [e for b in there for e in b], strict=True):
        assert is_same(one, other)
        assert other.image.dtype == other.target.masks.dtype == torch.uint8


def test_loading_leaves_the_streams_of_random_numbers_alone(mixed_root: Path) -> None:
    images = TrainingImages(mixed_root, CONFIG)
    for workers in (0, 2):
        torch.manual_seed(0)
        np.random.seed(0)
        list(training_loader(images, batches(images, 2), workers))
        drawn = torch.rand(1).item(), np.random.random()
        torch.manual_seed(0)
        np.random.seed(0)
        assert drawn == (torch.rand(1).item(), np.random.random())


def test_workers_start_beside_threads_of_opencv_and_leave_them(mixed_root: Path) -> None:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (15, 15), 3)  # in several threads, which stay
        images = TrainingImages(mixed_root, CONFIG)
        assert len(list(training_loader(images, batches(images), workers=2))) == 6
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(threads)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_is_no_image_is_one_plain_error(mixed_root: Path, workers: int) -> None:
    images = TrainingImages(mixed_root, CONFIG)
    for path in (mixed_root / "images/train").iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError) as caught:
        list(training_loader(images, batches(images), workers))
    assert "one after the other cannot be read" in caught.value.problem and "Traceback" not in str(caught.value)
    assert all("cannot be decoded" in detail for detail in caught.value.details)
    assert str(mixed_root / "images/train") in caught.value.details[0] and caught.value.fix


def test_an_image_with_an_rle_of_another_size_is_replaced_and_named(mixed_root: Path) -> None:
    content = json.loads((mixed_root / "annotations/train.json").read_text())
    for annotation in content["annotations"]:
        if isinstance(annotation["segmentation"], dict):
            annotation["segmentation"]["counts"] = "11"
    (mixed_root / "annotations/train.json").write_text(json.dumps(content))
    images = TrainingImages(mixed_root, CONFIG)
    examples = [example for batch in training_loader(images, batches(images), 1) for example in batch]
    replaced = {text for example in examples for text in example.replaced}
    assert replaced
    assert all("train/" in text and "RLE" in text for text in replaced)
    assert len(examples) == sum(len(batch) for batch in batches(images))


sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(st.lists(st.tuples(sizes, st.integers(0, 4), st.booleans()), min_size=1, max_size=4), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_a_parcel_holds_what_was_packed(drawn: list[tuple[tuple[int, int], int, bool]], seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    examples = []
    for number, ((height, width), count, rows_first) in enumerate(drawn):
        image = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=random).permute(2, 0, 1)
        masks = torch.randint(0, 2, (count, height, width), dtype=torch.uint8, generator=random)
        target = Target(torch.arange(count), masks)
        examples.append(Example(image if rows_first else image.contiguous(), target, number))
    for one, other in zip(examples, unpack(pack(examples)), strict=True):
        assert is_same(one, other)
