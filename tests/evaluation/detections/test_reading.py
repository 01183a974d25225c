import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sparseinst.errors import DatasetError, EvaluationError
from sparseinst.evaluation.detections.reading import load_detections
from sparseinst.evaluation.evaluate import evaluate_detections
from sparseinst.evaluation.truth import load_truth

POLYGON = [[10, 10, 40, 10, 40, 40, 10, 40]]
COCO = {
    "images": [{"id": 4, "file_name": "a.jpg", "height": 50, "width": 60}],
    "categories": [{"id": 2, "name": "disc"}],
    "annotations": [
        {"id": 1, "image_id": 4, "category_id": 2, "segmentation": POLYGON, "bbox": [10, 10, 30, 30], "area": 900}
    ],
}


def rle(height=50, width=60):
    mask = np.zeros((height, width), np.uint8, order="F")
    mask[10:40, 10:40] = 1
    encoded = coco_mask.encode(mask)
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


def good():
    return {"image_id": 4, "category_id": 2, "segmentation": rle(), "score": 0.5}


@pytest.fixture
def truth(tmp_path):
    (tmp_path / "val.json").write_text(json.dumps(COCO))
    return load_truth(tmp_path / "val.json")


def load(tmp_path, truth, entries):
    (tmp_path / "found.json").write_text(json.dumps(entries))
    return load_detections(tmp_path / "found.json", truth)


def test_compressed_and_uncompressed_rle_are_read(tmp_path, truth):
    runs = [510, *[30, 20] * 29, 30, 510 + 500]
    assert sum(runs) == 50 * 60
    uncompressed = {**good(), "segmentation": {"size": [50, 60], "counts": runs}}
    one, other = load(tmp_path, truth, [good(), uncompressed])
    assert coco_mask.iou([one["segmentation"]], [other["segmentation"]], [0]) == 1.0


def test_every_finding_is_named_at_once_with_its_place(tmp_path, truth):
    without_score = good()
    del without_score["score"], without_score["image_id"]
    entries = [
        good(),
        {**good(), "image_id": 99},
        {**good(), "category_id": 7, "score": None},
        without_score,
        {**good(), "segmentation": rle(60, 50)},
        {**good(), "segmentation": {"size": [50, 60], "counts": "damaged"}},
        {**good(), "segmentation": POLYGON},
        {**good(), "score": float("nan")},
        "text",
    ]
    with pytest.raises(EvaluationError, match="9 findings in 9 detections") as caught:
        load(tmp_path, truth, entries)
    text = str(caught.value)
    for code, pointer in [
        ("IMG-UNKNOWN", "/1/image_id"),
        ("CAT-UNKNOWN", "/2/category_id"),
        ("DET-SCORE", "/2/score"),
        ("DET-KEYS", "/3"),
        ("SEG-RLE-SIZE", "/4/segmentation/size"),
        ("SEG-RLE-COUNTS", "/5/segmentation/counts"),
        ("SEG-TYPE", "/6/segmentation"),
        ("DET-SCORE", "/7/score"),
        ("DET-KEYS", "/8"),
    ]:
        assert any(code in line.split() and pointer in line.split() for line in text.splitlines())
    assert "there is no image_id, score" in text


def test_a_hundred_findings_are_counted_but_not_all_shown(tmp_path, truth):
    with pytest.raises(EvaluationError, match="100 findings") as caught:
        load(tmp_path, truth, [{}] * 100)
    assert caught.value.details[-1] == "... and 80 more"


@pytest.mark.parametrize("content", ['{"annotations": []}', "[", "", "3"])
def test_a_file_that_holds_no_list_is_refused(tmp_path, truth, content):
    (tmp_path / "found.json").write_text(content)
    with pytest.raises(EvaluationError) as caught:
        load_detections(tmp_path / "found.json", truth)
    assert caught.value.fix and caught.value.where


def test_detections_are_measured_and_an_empty_list_is_0(tmp_path, truth):
    (tmp_path / "found.json").write_text(json.dumps([good()]))
    metrics = evaluate_detections(tmp_path / "found.json", truth.path, tmp_path / "out")
    assert metrics["AP"] == pytest.approx(1.0)
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == metrics
    assert json.loads((tmp_path / "out/manifest.json").read_text())["kind"] == "metrics"
    (tmp_path / "none.json").write_text("[]")
    assert evaluate_detections(tmp_path / "none.json", truth.path, tmp_path / "out")["AP"] == 0.0


def test_a_mask_that_covers_nothing_is_a_wrong_detection_but_a_detection(tmp_path, truth):
    empty = {**good(), "segmentation": {"size": [50, 60], "counts": [3000]}, "score": 0.9}
    assert len(load(tmp_path, truth, [empty, good()])) == 2


def test_wrong_annotations_are_named_before_the_detections_are_looked_at(tmp_path):
    (tmp_path / "val.json").write_text(json.dumps({**COCO, "images": []}))
    with pytest.raises(DatasetError, match="finding"):
        evaluate_detections(tmp_path / "absent.json", tmp_path / "val.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()
