"""`sparseinst predict` with a served model: as exact as one picture at a time, and it keeps what is done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sparseinst.evaluation.predictors.predictor import open_predictor
from sparseinst.imaging.read import read_image
from sparseinst.imaging.write import write_image
from sparseinst.masks.coco import segmentation_to_mask
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures of several sizes."""
    made = tmp_path_factory.mktemp("pictures")
    images = [image for side in (40, 64, 150) for image in pictures(10, side, side + 50)]
    for number, image in enumerate(images):
        write_image(made / f"{number:02}.png", image)
    return made


def sparseinst(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sparseinst", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_many_at_a_time_are_the_same_as_one_after_the_other(
    server: OwnTriton, published: str, folder: Path, tmp_path: Path
):
    address = f"grpc://{server.url}/{published}"
    (folder / "broken.jpg").write_text("no picture")
    predicting = sparseinst("predict", folder, "--model", address, "--concurrency", 3, "--output", tmp_path, "--json")
    out, err = predicting.communicate(timeout=120)
    (folder / "broken.jpg").unlink()
    assert predicting.returncode == 3 and "1 of 31 pictures" in err and "broken.jpg" in err
    coco = json.loads(out)
    assert coco == json.loads((tmp_path / "predictions.json").read_text())
    assert [Path(image["file_name"]).name for image in coco["images"]] == [f"{n:02}.png" for n in range(30)]
    with open_predictor(address) as predictor:
        for image in coco["images"]:
            (alone,) = predictor.predict([read_image(Path(image["file_name"]))])
            found = [entry for entry in coco["annotations"] if entry["image_id"] == image["id"]]
            kept = alone.above(0.3)
            assert [entry["score"] for entry in found] == kept.scores.tolist()
            for entry, mask in zip(found, kept.masks, strict=True):
                decoded = segmentation_to_mask(entry["segmentation"], image["height"], image["width"])
                np.testing.assert_array_equal(decoded, mask)


def test_compact_answers_have_the_same_objects(server: OwnTriton, published: str, folder: Path):
    address = f"grpc://{server.url}/{published}"
    counts = []
    for options in ((), ("--compact",)):
        out, _ = sparseinst("predict", folder / "25.png", "--model", address, "--json", *options).communicate(120)
        counts.append([round(entry["score"], 6) for entry in json.loads(out)["annotations"]])
    assert counts[0] == counts[1] and counts[0]
    refused = sparseinst("predict", folder / "25.png", "--model", "model.pt", "--compact")
    assert "--compact is for served models" in refused.communicate(timeout=120)[1] and refused.returncode == 2


def test_ctrl_c_keeps_what_is_done(server: OwnTriton, full: str, folder: Path, tmp_path: Path):
    address = f"grpc://{server.url}/{full}"  # which takes its time for each
    predicting = sparseinst("predict", folder, "--model", address, "--concurrency", 1, "--output", tmp_path)
    end = time.monotonic() + 120
    while not list(tmp_path.glob("*.jpg")):
        assert time.monotonic() < end and predicting.poll() is None, predicting.communicate()
        time.sleep(0.02)
    os.kill(predicting.pid, signal.SIGINT)
    _, err = predicting.communicate(timeout=120)
    assert predicting.returncode == 130 and "Traceback" not in err
    coco = json.loads((tmp_path / "predictions.json").read_text())
    assert 1 <= len(coco["images"]) < 30
    assert {image["overlay"] for image in coco["images"]} == {str(path) for path in tmp_path.glob("*.jpg")}
    assert not list(tmp_path.glob(".*"))
