"""Training sees the images that show an object, without their crowds, and little of them is kept in memory."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from sparseinst.data.config import InputConfig
from sparseinst.data.directory import validation_images
from sparseinst.data.loading.dataset import Key, TrainingImages
from sparseinst.errors import DatasetError

PLAIN = InputConfig(train_short_sides=(48,), flip=0.0)


def test_images_without_objects_and_crowds_are_left_out(mixed_root: Path) -> None:
    images = TrainingImages(mixed_root, PLAIN)
    assert [category.name for category in images.categories] == ["a", "b"]
    assert len(images) == 5  # of 7; the first and the fifth show nothing
    assert images.most_objects == 2
    assert images.tall.tolist() == [False, True, False, False, True]
    examples = [images[Key(number, 0, 0, 0)] for number in range(5)]
    assert [example.image_id for example in examples] == [5, 10, 15, 25, 30]
    assert [example.target.classes.tolist() for example in examples] == [[1], [0, 0], [1, 1], [1], [0, 0]]
    assert examples[2].target.masks[:, 15, 15].tolist() == [1, 0]  # the hole of the ring


def test_only_crowds_are_nothing_to_learn_from(mixed_root: Path) -> None:
    path = mixed_root / "annotations/train.json"
    content = json.loads(path.read_text())
    content["annotations"] = [a for a in content["annotations"] if a["iscrowd"]]
    assert content["annotations"]
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="No image") as caught:
        TrainingImages(mixed_root, PLAIN)
    assert caught.value.fix


def test_a_split_that_is_not_there_is_an_error_that_names_ingest(mixed_root: Path) -> None:
    for open_split in (lambda: TrainingImages(mixed_root, PLAIN, "test"), lambda: validation_images(mixed_root, 3)):
        with pytest.raises(DatasetError) as caught:
            open_split()
        assert "ingest" in caught.value.fix


def test_validation_images_are_the_first_that_show_something(mixed_root: Path) -> None:
    (mixed_root / "annotations/train.json").rename(mixed_root / "annotations/val.json")
    names = [path.relative_to(mixed_root).as_posix() for path in validation_images(mixed_root, 2)]
    assert names == ["images/train/1.png", "images/train/2.png"]


def test_a_dataset_goes_to_another_process_as_paths_and_a_few_numbers(mixed_root: Path) -> None:
    images = TrainingImages(mixed_root, PLAIN)
    content = pickle.dumps(images)
    assert len(content) < 3000
    again = pickle.loads(content)[Key(2, 0, 0, 0)]
    assert again.target.masks.equal(images[Key(2, 0, 0, 0)].target.masks)


@pytest.mark.parametrize("first", ["sparseinst.torchvision_import", "sparseinst.model.backbones.deformable"])
def test_torchvision_is_importable_whoever_asked_for_it_before(first: str) -> None:
    second = {"sparseinst.torchvision_import", "sparseinst.model.backbones.deformable"} - {first}
    code = f"""
import {first}, sys
if "deformable" in "{first}": {first}.has_compiled_operator()
import {second.pop()}
from sparseinst.model.backbones.deformable import has_compiled_operator
from sparseinst.torchvision_import import functional, tv_tensors
import torch
can = has_compiled_operator()
image = tv_tensors.Image(torch.zeros(3, 4, 6, dtype=torch.uint8))
print(can, tuple(functional.resize(image, [8, 12]).shape))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split(" ", 1)[1] == "(3, 8, 12)\n"
