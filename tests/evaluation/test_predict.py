"""Pictures in, COCO-style JSON and overlays out, whatever happens on the way."""

import json
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from sparseinst.errors import DatasetError, StackError
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predict import PREDICTIONS, predict
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.evaluation.selection import Selection

CATEGORIES = [{"id": 1, "name": "bright"}, {"id": 5, "name": "dark"}]


class Halves(Predictor):
    """Finds the bright half of a picture. `fails_at` is the brightness at which it breaks."""

    def __init__(self, fails_at=None):
        sides = {"short_side": 32, "longest_side": 64}
        super().__init__({"model": "halves", "categories": CATEGORIES, "mask_threshold": 0.5, **sides}, "here")
        self.fails_at = fails_at
        self.closed = False

    def predict(self, images):
        if self.fails_at is not None and images[0].max() == self.fails_at:
            raise StackError("The server has gone.")
        return [
            Instances(np.array([image.max() / 255], np.float32), np.array([0]), (image[..., 0] > 128)[None])
            for image in images
        ]

    def _infer(self, batch, sizes):
        raise NotImplementedError

    def close(self):
        self.closed = True


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures, 00.png to 11.png, each brighter than the one before."""
    made = tmp_path / "pictures"
    made.mkdir()
    for number in range(12):
        pixels = np.zeros((20, 30, 3), np.uint8)
        pixels[:, 15:] = 200 + number
        Image.fromarray(pixels).save(made / f"{number:02}.png")
    return made


def written(output):
    return json.loads((output / PREDICTIONS).read_text())


def test_a_folder_gives_its_pictures_in_order(folder, tmp_path):
    predicted = predict(Halves(), [folder], Selection(), output=tmp_path / "out")
    predicted.require_whole()
    coco = predicted.coco
    assert [image["file_name"] for image in coco["images"]] == [str(folder / f"{n:02}.png") for n in range(12)]
    assert [image["id"] for image in coco["images"]] == list(range(1, 13))
    assert [(entry["id"], entry["image_id"]) for entry in coco["annotations"]] == [(n, n) for n in range(1, 13)]
    assert [round(entry["score"] * 255) for entry in coco["annotations"]] == list(range(200, 212))
    assert all(entry["area"] == 300 and entry["bbox"] == [15, 0, 15, 20] for entry in coco["annotations"])
    assert coco["categories"] == CATEGORIES
    assert written(tmp_path / "out") == coco
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 12


def test_files_and_folders_together_and_two_of_one_name(folder, tmp_path):
    coco = predict(Halves(), [folder / "03.png", folder], Selection(), output=tmp_path / "out").coco
    overlays = [image["overlay"] for image in coco["images"]]
    assert len(set(overlays)) == 13 and overlays[0].endswith("/03.jpg") and overlays[4].endswith("/03-2.jpg")


def test_broken_pictures_are_all_told_at_the_end_and_the_others_kept(folder, tmp_path):
    for name in ("05.png", "07.png"):
        (folder / name).write_text("no picture")
    predicted = predict(Halves(), [folder], Selection(), output=tmp_path / "out")
    assert len(predicted.coco["images"]) == 10 == len(written(tmp_path / "out")["images"])
    assert [image["id"] for image in predicted.coco["images"]] == list(range(1, 11))
    with pytest.raises(DatasetError, match="2 of 12 pictures could not be read") as broken:
        predicted.require_whole()
    assert len(broken.value.details) == 2 and "05.png" in str(broken.value) and "07.png" in str(broken.value)


def test_only_broken_pictures_write_nothing(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    predicted = predict(Halves(), [tmp_path / "a.jpg"], Selection(), output=tmp_path / "out")
    assert len(predicted.broken) == 1 and not (tmp_path / "out").exists()


def test_a_model_that_fails_on_the_way_leaves_what_was_found(folder, tmp_path):
    predictor = Halves(fails_at=209)
    with pytest.raises(StackError, match="has gone"):
        predict(predictor, [folder], Selection(), output=tmp_path / "out")
    names = [image["file_name"][-6:] for image in written(tmp_path / "out")["images"]]
    assert names[:9] == [f"{n:02}.png" for n in range(9)] and "09.png" not in names


def test_an_interrupt_keeps_what_was_done(folder, tmp_path, monkeypatch):
    @contextmanager
    def interrupting(*arguments):
        done = []

        def advance(amount=1):
            done.append(amount)
            if len(done) == 3:
                raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr("sparseinst.evaluation.predict.progress", interrupting)
    predictor = Halves()
    with pytest.raises(KeyboardInterrupt):
        predict(predictor, [folder], Selection(), output=tmp_path / "out")
    coco = written(tmp_path / "out")
    assert 3 <= len(coco["images"]) <= 12
    assert {image["overlay"] for image in coco["images"]} == {str(path) for path in (tmp_path / "out").glob("*.jpg")}
    assert len(coco["annotations"]) == len(coco["images"])
