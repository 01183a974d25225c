"""An evaluation's page shows what metrics.json says, whatever of it is there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sparseinst.evaluation.report.page import contents, evaluation_page
from tests.evaluation.report.example import NAMES, NASTY, comparison, metrics


def test_the_page_has_the_numbers_and_is_the_same_each_time() -> None:
    page = evaluation_page(metrics(), {})
    for text in ("0.353", "0.561", "0.369", "23.4\u202fms", "p99 61.2\u202fms", "118", "5\u202f000 images of val"):
        assert text in page, text
    for text in ("sparse_inst_r50_giam", "ab" * 32, "cd" * 32, "hotcoco 1.3.0", "1, 10 and 100", "NVIDIA H100"):
        assert text in page, text
    assert page.count("<svg") == 4
    assert evaluation_page(metrics(), {}) == page


def test_texts_of_others_stay_texts() -> None:
    strange = metrics([NASTY, f"{NASTY}2"], model={"name": NASTY, "source": NASTY}, split=NASTY, dataset=NASTY)
    verdict = {"decision": NASTY, "reasons": [NASTY, {"text": NASTY, "outcome": NASTY}]}
    page = evaluation_page(strange, {NASTY: b""}, comparison([NASTY, "b"]), verdict, commit=NASTY)
    assert "window.taken = 1" in page
    assert "<script>window" not in page
    assert "onmouseover='" not in page
    assert page.count("<script>") == 1


def test_the_page_has_no_address_in_it() -> None:
    assert not re.search(r"https?://|@import|url\(", evaluation_page(metrics(), {}, comparison()))


STRANGE: list[Any] = [None, [], {}, "text", True, -1, float("nan"), [None], [{}], {"AP": None}]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_any_part_may_be_null_or_something_else(value: Any) -> None:
    for name in metrics():
        contents(metrics(**{name: value}), {}, comparison(), {}, "")
    for name in comparison():
        contents(metrics(), {}, comparison(**{name: value}), {}, "")
    all_of_them = evaluation_page(dict.fromkeys(metrics(), value), {}, dict.fromkeys(comparison(), value))
    assert "</html>" in all_of_them


def test_any_part_may_be_absent() -> None:
    for name in metrics():
        contents({key: value for key, value in metrics().items() if key != name}, {}, {}, {}, "")
    for name in comparison():
        contents(metrics(), {}, {key: value for key, value in comparison().items() if key != name}, {}, "")


def test_metrics_without_anything_have_a_page_that_says_so() -> None:
    page = evaluation_page({}, {})
    assert "There is no AP in these metrics." in page
    assert page.count("Nothing to draw") == 3
    assert "There are no numbers by class" in page
    assert 'href="#slices"' not in page


def test_undefined_numbers_are_a_dash_and_their_reason() -> None:
    reason = metrics()["undefined"]["ARs"]
    page = evaluation_page(metrics(), {})
    assert f"ARs is undefined: {reason}." in page
    row = page[page.index("<bdi>ARs</bdi>") :]
    assert row.index(reason) < row.index("</th>")
    assert '<td class="value">–</td>' in row[: row.index("</tr>")]


def test_how_many_detections_count_is_what_the_file_says() -> None:
    page = evaluation_page(metrics(max_dets=[5, 50, 300]), {})
    for text in ("the best 5 detections", "the best 50 detections", "the best 300 detections", "AR, best 300"):
        assert text in page, text


def test_metrics_of_the_first_schema_have_a_page() -> None:
    old = {name: metrics()[name] for name in ("AP", "AP50", "AP75", "images", "instances", "timing", "dataset")}
    classes = {"disc": {"AP": 0.5, "AP50": 0.7, "AP75": 0.6, "AR": 0.6, "instances": 12}}
    page = evaluation_page({**old, "per_class": classes, "model": {"source": "runs/a/model.pt"}}, {})
    assert "<h1><bdi>model.pt</bdi></h1>" in page
    assert ">52<" in page or ">51.9<" in page  # images a second of the whole evaluation
    assert "Only one class has an AP, disc" in page


def test_an_image_without_a_picture_is_named_all_the_same() -> None:
    page = evaluation_page(metrics(), {"000000000139.jpg": b"no picture"})
    listed = page[page.index('<ol class="card without">') :]
    assert listed.count("<li>") == 11
    assert "costs 0.0021 AP · 16 missed · 3 false detections" in listed


def test_the_table_has_a_row_for_each_class_the_lowest_ap_first_and_those_without_one_last() -> None:
    page = evaluation_page(metrics(), {})
    table = page[page.index('id="class-table"') :]
    names = re.findall(r'<tr[^>]*><th scope="row" title="[^"]*"><bdi>([^<]*)</bdi>', table[: table.index("</table>")])
    assert len(names) == len(NAMES)
    assert names[0] == "kite"  # AP 0
    assert names[-1] == "unseen"  # no object


def test_a_page_of_a_thousand_classes_is_still_small() -> None:
    many = metrics([f"class {place}" for place in range(1000)])
    assert len(evaluation_page(many, {}).encode()) < 1_500_000


def test_the_page_is_made_from_json_as_it_is_read_from_a_file() -> None:
    assert evaluation_page(json.loads(json.dumps(metrics())), {}) == evaluation_page(metrics(), {})
