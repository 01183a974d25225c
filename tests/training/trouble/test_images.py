"""Images that were sound when they were ingested and are not any more."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from sparseinst.errors import DatasetError
from sparseinst.training.train import train
from tests.training.recipe import losses, recipe


def broken(data: Path, count: int) -> list[Path]:
    """So many images cut in the middle, as by a copy that was not finished."""
    images = sorted((data / "images" / "train").glob("*"))[:count]
    for image in images:
        image.write_bytes(image.read_bytes()[: image.stat().st_size // 3])
    return images


@pytest.mark.parametrize("workers", [0, 1])
def test_a_few_cut_images_are_left_out_and_named(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    (image,) = broken(data, 1)
    with caplog.at_level(logging.WARNING, "sparseinst"):
        train(data, tmp_path / "run", recipe(workers=workers))
    assert len(losses(tmp_path / "run")) == 6
    said = {record.getMessage() for record in caplog.records if "left out" in record.getMessage()}
    assert len(said) == 1
    assert str(image) in said.pop()
    told = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in told] == ["bad_image"]


def test_more_of_them_than_tolerated_end_the_run_with_all_their_names(data: Path, tmp_path: Path) -> None:
    images = broken(data, 3)
    config = recipe(iterations=20)
    object.__setattr__(config.input, "bad_images", 2)
    with pytest.raises(DatasetError, match=r"input\.bad_images tolerates 2") as caught:
        train(data, tmp_path / "run", config)
    assert sorted(detail.partition(": ")[0] for detail in caught.value.details) == [str(image) for image in images]
    assert caught.value.exit_code == 3


def test_a_dataset_without_its_images_ends_at_once(data: Path, tmp_path: Path) -> None:
    for image in (data / "images" / "train").glob("*"):
        image.unlink()
    with pytest.raises(DatasetError, match="one after the other cannot be read") as caught:
        train(data, tmp_path / "run", recipe())
    assert "does not exist" in caught.value.details[0]
