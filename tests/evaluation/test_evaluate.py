import json
import re
import shutil

import numpy as np
import pytest

from sparseinst.data.categories import Category
from sparseinst.errors import DatasetError, EvaluationError
from sparseinst.evaluation.class_match import ClassMatch
from sparseinst.evaluation.coco.numbers import NUMBERS
from sparseinst.evaluation.evaluate import evaluate, evaluate_detections
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.measure import Counting
from sparseinst.evaluation.pictures import compare
from sparseinst.evaluation.truth import load_split, load_truth
from sparseinst.imaging.overlay import draw
from sparseinst.imaging.read import read_image
from sparseinst.imaging.write import write_image
from tests.conftest import ROOT
from tests.evaluation.coco.test_numbers import by_pycocotools

DISC, RING, STAR = Category(1, "disc"), Category(2, "ring"), Category(3, "star")


def found(*classes):
    scores = np.linspace(0.9, 0.1, len(classes), dtype=np.float32)
    return Instances(scores, np.array(classes, np.int64), np.zeros((len(classes), 4, 4), bool))


def test_a_model_that_answers_the_truth_has_ap_1_and_leaves_all_its_files(dataset, oracle, tmp_path):
    metrics = evaluate(dataset, "val", "oracle.pt", tmp_path / "out", batch_size=3, picture_count=4)
    assert metrics["AP"] == pytest.approx(1.0)
    assert metrics["images"] == 12
    assert metrics["instances"] == metrics["detections"] > 12
    assert set(NUMBERS) <= set(metrics)
    assert set(metrics["per_class"]) == {category.name for category in oracle.categories}
    assert metrics["timing"]["images_per_second"] > 0
    assert oracle.largest_batch == 3  # memory does not grow with the number of images
    assert oracle.is_closed
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == metrics
    assert len(list((tmp_path / "out/overlays").glob("*.jpg"))) == 4
    assert read_image(tmp_path / "out/overlays.jpg").shape[1] > 1900
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["kind"] == "metrics"
    assert manifest["inputs"]["dataset"] == json.loads((dataset / "manifest.json").read_text())["id"]
    made = {"metrics.json", "matches.npz", "detections.json", "report.html", "overlays.jpg"}
    assert made < set(manifest["files"])
    assert metrics["schema"] == "sparseinst.metrics/2"
    assert metrics["engine"]["name"] == "hotcoco"
    assert metrics["speed"]["latency_ms"]["samples"] == 12 and metrics["speed"]["device"] == "CPU"
    assert metrics["errors"]["kinds"]["missed"]["count"] == 0
    assert metrics["best"]["f1"] == 1.0
    assert metrics["per_class"]["disc"].keys() >= {"AP", "AP50", "AP75", "AR", "instances", "detections", "best"}


def test_the_detections_on_disk_are_coco_results_of_which_pycocotools_makes_the_same_numbers(dataset, oracle, tmp_path):
    metrics = evaluate(dataset, "val", "oracle.pt", tmp_path, picture_count=0)
    results = json.loads((tmp_path / "detections.json").read_text())
    assert all(isinstance(result["segmentation"]["counts"], str) for result in results)
    assert {result["category_id"] for result in results} <= {category.id for category in oracle.categories}
    assert by_pycocotools(json.loads((dataset / "annotations/val.json").read_text()), results) == pytest.approx(
        [metrics[name] for name in NUMBERS], abs=1e-12
    )
    assert not (tmp_path / "overlays.jpg").exists()


def test_every_field_is_documented_and_every_documented_one_is_there(dataset, oracle, tmp_path):
    metrics = evaluate(dataset, "val", "oracle.pt", tmp_path, picture_count=0)
    fields = (ROOT / "docs/metrics.md").read_text().split("| `schema` |")[1].split("\n\n")[0]
    rows = [line.split("|")[1] for line in f"| `schema` |{fields}".splitlines()]
    documented = {name for row in rows for part in re.findall(r"`([^`]+)`", row) for name in part.split()}
    assert set(metrics) == documented


def test_detections_read_again_give_the_same_numbers_and_pictures_of_the_costliest_images(dataset, oracle, tmp_path):
    first = evaluate(dataset, "val", "oracle.pt", tmp_path / "model", picture_count=0)
    results = json.loads((tmp_path / "model/detections.json").read_text())
    places = dataset / "annotations/val.json"
    (tmp_path / "half.json").write_text(json.dumps(results[::2]))
    again = evaluate_detections(tmp_path / "model/detections.json", places, tmp_path / "again")
    half = evaluate_detections(tmp_path / "half.json", places, tmp_path / "half", data=dataset)
    assert {name: again[name] for name in NUMBERS} == {name: first[name] for name in NUMBERS}
    assert half["costly_images"][0]["AP_lost"] > 0 and half["costly_images"][0]["missed"] > 0
    page = (tmp_path / "half/report.html").read_text()
    assert page.count("data:image/jpeg") == len(half["costly_images"])
    assert "speed" not in again


def test_detections_are_measured_on_annotations_that_name_no_image_files(dataset, oracle, tmp_path):
    first = evaluate(dataset, "val", "oracle.pt", tmp_path / "model", picture_count=0)
    coco = json.loads((dataset / "annotations/val.json").read_text())
    for image in coco["images"]:
        del image["file_name"]
    (tmp_path / "truth.json").write_text(json.dumps(coco))
    found = tmp_path / "model/detections.json"
    metrics = evaluate_detections(found, tmp_path / "truth.json", tmp_path / "out")
    assert metrics["AP"] == first["AP"]
    with pytest.raises(DatasetError, match="file_name"):
        load_truth(tmp_path / "truth.json")


def test_an_evaluation_compared_with_itself_differs_by_nothing(dataset, oracle, tmp_path):
    evaluate(dataset, "val", "oracle.pt", tmp_path / "a", picture_count=0)
    evaluate(dataset, "val", "oracle.pt", tmp_path / "b", picture_count=0, incumbent=tmp_path / "a")
    comparison = json.loads((tmp_path / "b/comparison.json").read_text())
    assert comparison["AP"]["difference"] == comparison["AP"]["low"] == comparison["AP"]["high"] == 0
    assert "comparison.json" in json.loads((tmp_path / "b/manifest.json").read_text())["files"]


def test_an_incumbent_of_other_data_is_refused_before_anything_is_done(dataset, oracle, tmp_path):
    evaluate(dataset, "val", "oracle.pt", tmp_path / "a", picture_count=0)
    oracle.largest_batch = 0
    how = {"counting": Counting(max_dets=(1, 10, 50)), "incumbent": tmp_path / "a"}
    with pytest.raises(EvaluationError, match="measured otherwise") as caught:
        evaluate(dataset, "val", "oracle.pt", tmp_path / "b", **how)
    assert "[1, 10, 50] against [1, 10, 100]" in str(caught.value)
    assert oracle.largest_batch == 0 and not (tmp_path / "b").exists()
    with pytest.raises(EvaluationError, match="cannot be read"):
        evaluate(dataset, "val", "oracle.pt", tmp_path / "b", incumbent=tmp_path / "absent")


def test_an_unsure_model_has_its_best_guesses_drawn_and_a_sure_one_only_what_it_is_sure_of(dataset):
    truth = load_split(dataset, "val")
    image = truth.images[0]
    pixels = read_image(dataset / "images" / image["file_name"])
    masks = np.zeros((4, image["height"], image["width"]), bool)
    masks[:, 5:40, 5:40] = True
    for scores, drawn in (([0.2, 0.2, 0.1, 0.1], 3), ([0.9, 0.29, 0.2, 0.1], 1), ([], 0)):
        found = Instances(np.array(scores, np.float32), np.zeros(len(scores), np.int64), masks[: len(scores)])
        right = draw(pixels, found.best(drawn), truth.categories)
        picture = compare(truth, image, pixels, found)
        np.testing.assert_array_equal(picture[-right.shape[0] :, -right.shape[1] :], right)


def test_a_second_evaluation_replaces_the_pictures_of_the_first(dataset, oracle, tmp_path):
    evaluate(dataset, "val", "oracle.pt", tmp_path, picture_count=5)
    evaluate(dataset, "val", "oracle.pt", tmp_path, picture_count=2)
    assert len(list((tmp_path / "overlays").iterdir())) == 2


def test_a_real_checkpoint_can_be_evaluated_and_measured_again_alike(dataset, checkpoint, tmp_path):
    first = evaluate(dataset, "val", str(checkpoint), tmp_path / "a", picture_count=1)
    second = evaluate(dataset, "val", str(checkpoint), tmp_path / "b", picture_count=1, batch_size=5)
    for name in NUMBERS:
        assert first[name] == pytest.approx(second[name], abs=1e-6)
        assert first[name] is None or 0 <= first[name] <= 1
    assert len(first["model"]["checkpoint_sha256"]) == 64
    assert first["dataset"] == second["dataset"]


def test_a_missing_directory_a_missing_split_and_missing_images_are_named(dataset, tmp_path):
    with pytest.raises(DatasetError, match="no split 'val'"):
        evaluate(tmp_path / "absent", "val", "m.pt", tmp_path / "out")
    with pytest.raises(DatasetError, match="Splits here: train, val"):
        evaluate(dataset, "test", "m.pt", tmp_path / "out")
    shutil.copytree(dataset, tmp_path / "data")
    first, second = sorted((tmp_path / "data/images/val").iterdir())[:2]
    first.unlink()
    second.unlink()
    with pytest.raises(DatasetError) as caught:
        evaluate(tmp_path / "data", "val", "m.pt", tmp_path / "out")
    assert first.name in str(caught.value) and second.name in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_image_of_another_size_than_its_annotations_say_stops_the_evaluation(dataset, oracle, tmp_path):
    shutil.copytree(dataset, tmp_path / "data")
    path = sorted((tmp_path / "data/images/val").iterdir())[0]
    write_image(path.with_suffix(".png"), np.zeros((30, 30, 3), np.uint8))
    path.with_suffix(".png").rename(path)
    with pytest.raises(DatasetError, match="30x30"):
        evaluate(tmp_path / "data", "val", "oracle.pt", tmp_path / "out")


def test_a_split_without_images_is_refused_and_one_without_objects_has_undefined_numbers(dataset, oracle, tmp_path):
    shutil.copytree(dataset, tmp_path / "data")
    path = tmp_path / "data/annotations/val.json"
    coco = json.loads(path.read_text())
    path.write_text(json.dumps({**coco, "annotations": []}))
    metrics = evaluate(tmp_path / "data", "val", "oracle.pt", tmp_path / "out", picture_count=2)
    assert metrics["AP"] is None
    assert "no object" in metrics["undefined"]["AP"]
    assert len(list((tmp_path / "out/overlays").iterdir())) == 2
    path.write_text(json.dumps({**coco, "annotations": [], "images": []}))
    with pytest.raises(DatasetError, match="no images"):
        evaluate(tmp_path / "data", "val", "oracle.pt", tmp_path / "out")


def test_classes_meet_by_name_whatever_their_ids_and_order(caplog):
    match = ClassMatch([Category(9, "ring"), Category(10, "disc")], [DISC, RING], "model")
    assert match.translate(found(0, 1, 0)).classes.tolist() == [1, 0, 1]


def test_classes_that_only_one_side_knows_are_left_out_and_said(monkeypatch):
    said = []
    monkeypatch.setattr("sparseinst.evaluation.class_match.log.warning", lambda text, *names: said.append(text % names))
    match = ClassMatch([DISC, STAR], [DISC, RING], "model")
    kept = match.translate(found(1, 0, 1))
    assert kept.classes.tolist() == [0]
    assert len(kept.masks) == 1
    assert said == ["the model does not know, and so cannot find: ring", "not in this data, and so not counted: star"]


def test_a_model_of_other_classes_altogether_is_refused():
    with pytest.raises(EvaluationError, match="none of the data's classes") as caught:
        ClassMatch([STAR], [DISC, RING], "model.pt")
    assert "disc, ring" in str(caught.value)
