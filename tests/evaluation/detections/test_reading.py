"""Detections of other programs: what is read, how it is told what is wrong, and what is measured."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sparseinst.errors import DatasetError, EvaluationError
from sparseinst.evaluation.detections.reading import load_detections
from sparseinst.evaluation.evaluate import evaluate_detections
from sparseinst.evaluation.predict import predict
from sparseinst.evaluation.selection import Selection
from sparseinst.evaluation.truth import load_split
from sparseinst.masks.coco import mask_to_counts, segmentation_to_mask
from tests.evaluation.detections.world import COCO, HEIGHT, POLYGON, WIDTH, good, read, rle, truth_in, without


@pytest.fixture
def truth(tmp_path):
    return truth_in(tmp_path)


def test_every_form_of_a_mask_becomes_the_same_compressed_rle(tmp_path, truth):
    square = segmentation_to_mask(POLYGON, HEIGHT, WIDTH)
    results, findings = read(
        tmp_path,
        truth,
        [
            good(score=0.1),
            good(score=0.2, segmentation=mask_to_counts(square)),
            good(score=0.3, segmentation=POLYGON),
            good(score=0.4, segmentation=[*POLYGON, *POLYGON]),
        ],
    )
    assert findings == []
    assert [result["segmentation"] for result in results] == [rle()] * 4
    assert [result["score"] for result in results] == [0.1, 0.2, 0.3, 0.4]
    assert all(result["image_id"] == 4 and result["category_id"] == 2 for result in results)


def test_an_empty_mask_is_a_wrong_detection_but_a_detection(tmp_path, truth):
    counts = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}
    empty = [counts, coco_mask_of_nothing(), [], {**counts, "counts": [HEIGHT * WIDTH, 0]}]
    results, findings = read(tmp_path, truth, [good(segmentation=e, score=0.1 * n) for n, e in enumerate(empty)])
    assert findings == []
    assert coco_mask.area([result["segmentation"] for result in results]).tolist() == [0, 0, 0, 0]


def coco_mask_of_nothing():
    encoded = coco_mask.encode(np.zeros((HEIGHT, WIDTH), np.uint8, order="F"))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


def test_whole_numbers_may_have_a_point_and_scores_none(tmp_path, truth):
    text = json.dumps([good(score=1), good(score=0)])
    text = text.replace('"image_id": 4', '"image_id": 4.0').replace('"category_id": 2', '"category_id": 2.0')
    results, findings = read(tmp_path, truth, text.replace("[50, 60]", "[50.0, 60.0]").encode())
    assert findings == []
    assert results == [good(score=1.0), good(score=0.0)]
    assert [type(results[0][key]) for key in ("image_id", "category_id", "score")] == [int, int, float]
    assert json.dumps(results[0]["segmentation"]["size"]) == "[50, 60]"


def test_only_boxes_are_kept_of_what_else_is_there(tmp_path, truth):
    box = [10, 10, 30, 30.5]
    entries = [good(bbox=box, id=5, area=9, attributes={"occluded": [True]}), good(bbox=[], score=0.4)]
    results, findings = read(tmp_path, truth, entries)
    assert findings == []
    assert results == [good(bbox=box), good(score=0.4)]


def test_a_byte_order_mark_is_skipped_and_noted(tmp_path, truth):
    content = b"\xef\xbb\xbf" + json.dumps([good()]).encode()
    results, findings = read(tmp_path, truth, content)
    assert (results, findings) == ([good()], [("JSON-BOM", "")])


def test_no_detections_are_noted(tmp_path, truth):
    for content in (b"[]", b" [ ] \n", b'{"annotations": []}'):
        results, findings = read(tmp_path, truth, content)
        assert (results, [code for code, _ in findings]) == ([], ["DET-NONE"])


def test_scores_out_of_0_to_1_and_the_same_detection_twice_are_noted(tmp_path, truth, caplog):
    counts = good(segmentation=mask_to_counts(segmentation_to_mask(POLYGON, HEIGHT, WIDTH)))
    entries = [good(), good(score=-3), good(category_id=0), good(score=97.5), counts, good(), good(score=-3.0)]
    with caplog.at_level(logging.INFO, "sparseinst"):
        results, findings = read(tmp_path, truth, entries)
    assert len(results) == len(entries)
    assert findings == [
        *(("DET-SCORE-RANGE", f"/{place}/score") for place in (1, 3, 6)),
        *(("DET-TWICE", f"/{place}") for place in (4, 5, 6)),
    ]
    assert "DET-TWICE x 3: /4  the detection is the same as number 0" in caplog.text


def test_every_finding_is_named_at_once_with_its_place(tmp_path, truth):
    entries = [
        good(),
        good(image_id=99),
        good(category_id=7, score=None),
        without("score", "image_id"),
        good(segmentation=rle(WIDTH, HEIGHT)),
        good(segmentation={"size": [HEIGHT, WIDTH], "counts": "damaged"}),
        good(segmentation=7),
        good(score=float("nan")),
        "text",
    ]
    (tmp_path / "found.json").write_text(json.dumps(entries))
    with pytest.raises(EvaluationError, match="9 findings in 9 detections") as caught:
        load_detections(tmp_path / "found.json", truth)
    text = str(caught.value)
    for line in [
        "IMG-UNKNOWN x 1: /1/image_id  99 is not the id of a known image.",
        "CAT-UNKNOWN x 1: /2/category_id  7 is not the id of a known category.",
        "DET-SCORE x 2: /2/score  None is not a finite number.",
        "DET-KEYS x 2: /3  there is no image_id, score.",
        "SEG-RLE-SIZE x 1: /4/segmentation/size  the size is [60, 50], the image is [50, 60] (width and height are",
        "SEG-RLE-COUNTS x 1: /5/segmentation/counts  the counts",
        "SEG-TYPE x 1: /6/segmentation  the segmentation is 7.",
        "Also at /7/score.",
        "Also at /8.",
    ]:
        assert line in text
    assert str(truth.path) in text


def test_of_many_findings_of_a_kind_there_is_one_line_and_a_file_that_has_all(tmp_path, truth):
    boxes = [{**without("segmentation"), "bbox": [1, 2, 3, 4]}] * 5000
    (tmp_path / "found.json").write_text(json.dumps([*boxes, good(image_id=5)]))
    with pytest.raises(EvaluationError, match="5001 findings in 5001 detections") as caught:
        load_detections(tmp_path / "found.json", truth, tmp_path / "out")
    first, second = caught.value.details
    assert first.startswith("DET-MASK-NONE x 5000: /0  there is a bbox, but no segmentation. Fix: Write masks:")
    assert first.endswith("Also at /1, /2, /3, /4 and 4995 more.")
    assert second.startswith("IMG-UNKNOWN x 1: /5000/image_id")
    assert "findings.jsonl" in caught.value.fix
    lines = (tmp_path / "out/findings.jsonl").read_text().splitlines()
    assert [json.loads(line)["pointer"] for line in (lines[0], lines[4999])] == ["/0", "/4999"]
    assert len(lines) == 5001


def test_without_an_output_nothing_is_written(tmp_path, truth):
    (tmp_path / "found.json").write_text(json.dumps([good(score=2)]))
    before = sorted(tmp_path.iterdir())
    assert load_detections(tmp_path / "found.json", truth) == [good(score=2.0)]
    assert sorted(tmp_path.iterdir()) == before


def test_detections_are_measured_and_an_empty_list_is_0(tmp_path, truth):
    (tmp_path / "found.json").write_text(json.dumps([good()]))
    metrics = evaluate_detections(tmp_path / "found.json", truth.path, tmp_path / "out")
    assert metrics["AP"] == pytest.approx(1.0)
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == metrics
    assert json.loads((tmp_path / "out/manifest.json").read_text())["kind"] == "metrics"
    (tmp_path / "none.json").write_text("[]")
    assert evaluate_detections(tmp_path / "none.json", truth.path, tmp_path / "out")["AP"] == 0.0


def test_wrong_annotations_are_named_before_the_detections_are_looked_at(tmp_path):
    (tmp_path / "val.json").write_text(json.dumps({**COCO, "images": []}))
    with pytest.raises(DatasetError, match="finding"):
        evaluate_detections(tmp_path / "absent.json", tmp_path / "val.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("polygons", [False, True])
def test_what_predict_writes_is_measured_although_it_numbers_images_itself(dataset, oracle, tmp_path, polygons):
    truth = load_split(dataset, "val")
    paths = [dataset / "images" / image["file_name"] for image in reversed(truth.images)]
    written = predict(oracle, paths, Selection(), output=tmp_path / "predicted", polygons=polygons).coco
    metrics = evaluate_detections(tmp_path / "predicted/predictions.json", truth.path, tmp_path / "out")
    assert metrics["detections"] == len(written["annotations"]) > 12
    assert metrics["per_class"]["disc"]["AP"] == pytest.approx(1.0)
    assert (metrics["per_class"]["ring"]["AP"] < 0.9) == polygons  # outlines fill holes
