"""What single repairs do, where the zoo of mistakes does not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparseinst.masks.coco import segmentation_to_mask
from tests.data.checks.zoo import GOOD, SQUARE, annotation, category, changed, image, more_annotations, segmentation
from tests.data.repair.replay import codes_of, diff_of, read, repaired, replayed, text


def first(path: Path) -> dict[str, Any]:
    entry: dict[str, Any] = read(path)["annotations"][0]
    return entry


def test_new_ids_lie_above_the_largest_and_come_in_the_order_of_the_file(tmp_path: Path):
    content = changed(more_annotations({"id": 2, "segmentation": [[0, 0, 9, 0, 4, 7]]}, {"image_id": 8}))
    del content["annotations"][0]["id"]
    content["annotations"][4]["id"] = 40
    new = read(repaired(content, tmp_path).file)["annotations"]
    assert [entry["id"] for entry in new] == [41, 2, 3, 42, 40]


def test_an_id_that_leaves_no_larger_one_is_left_to_a_person(tmp_path: Path):
    content = changed(annotation(id=0))
    content["annotations"][1]["id"] = 2**63 - 1
    result = repaired(content, tmp_path)
    assert result.changes == {}
    assert [finding.code for finding in result.after.findings] == ["ANN-ID-ZERO"]


def test_numbers_written_as_texts_or_with_a_point_become_whole_where_they_agree(tmp_path: Path):
    content = changed(image(id="7", width=10.0, height="8"))
    content["annotations"][0].update(id="1", image_id="7", category_id=1.0)
    content["annotations"][1].update(image_id=7.0)
    result = repaired(content, tmp_path)
    assert text(read(result.file)) == text(GOOD)
    assert result.changes == {"JSON-TYPE": 7}


def test_an_id_that_two_images_may_have_is_left(tmp_path: Path):
    content = changed(lambda c: c["images"].append({"id": "7", "file_name": "c.jpg", "height": 8, "width": 10}))
    result = repaired(content, tmp_path)
    assert result.changes == {}
    assert [finding.pointer for finding in result.errors] == ["/images/2/id"]


def test_a_reference_to_nothing_stays_a_text(tmp_path: Path):
    assert repaired(changed(annotation(image_id="99")), tmp_path).changes == {}


def test_an_image_whose_id_is_mended_is_not_unknown(tmp_path: Path):
    result = repaired(changed(image(id="7")), tmp_path, also=["IMG-UNKNOWN"])
    assert text(read(result.file)) == text(GOOD)


def test_null_among_entries_is_deleted(tmp_path: Path):
    content = changed(lambda c: [c[key].insert(0, None) for key in ("images", "categories", "annotations")])
    result = repaired(content, tmp_path)
    assert text(read(result.file)) == text(GOOD)
    assert [line["pointer"] for line in diff_of(result)] == ["/images/0", "/categories/0", "/annotations/0"]


def test_of_images_and_categories_that_are_there_twice_word_for_word_one_is_left(tmp_path: Path):
    content = changed(lambda c: [c[key].append(dict(reversed(c[key][0].items()))) for key in ("images", "categories")])
    result = repaired(content, tmp_path)
    assert text(read(result.file)) == text(GOOD)
    assert result.changes == {"ID-TWICE": 2}


@pytest.mark.parametrize(("written", "meant"), [("0", 0), ("1", 1), (0.0, 0), (1.0, 1)])
def test_a_crowd_flag_of_another_type_becomes_a_number(written: Any, meant: int, tmp_path: Path):
    result = repaired(changed(annotation(iscrowd=written)), tmp_path, only=["ANN-CROWD"])
    assert text(first(result.file)["iscrowd"]) == str(meant)


def test_area_and_box_come_from_the_mask(tmp_path: Path):
    content = changed(annotation(area=99, bbox=[1, 1, 6, 5], segmentation=[[-3, 1.25, 5, 1, 6.5, 5, 1, 5]]))
    entry = first(repaired(content, tmp_path).file)
    assert entry["area"] == segmentation_to_mask(content["annotations"][0]["segmentation"], 8, 10).sum()
    assert entry["bbox"] == [1, 1, 6, 5]  # within 4 pixels: as it was
    del content["annotations"][0]["bbox"]
    assert first(repaired(content, tmp_path).file)["bbox"] == [0, 1, 6.5, 4]  # the corners' span within the image
    content["annotations"][1].pop("bbox")
    assert read(repaired(content, tmp_path).file)["annotations"][1]["bbox"] == [1, 2, 1, 5]  # of an RLE the pixels'


def test_a_needle_without_pixels_does_not_stretch_the_box(tmp_path: Path):
    needle = [[2, 2, 5, 2, 5, 5, 2, 5, 2, 2, 2, 30, 2, 2]]
    content = changed(annotation(image_id=8, segmentation=needle))
    assert "ANN-BOX" not in {f.code for f in repaired(content, tmp_path).after.findings}
    assert first(tmp_path / "out" / "file.json")["bbox"][3] <= 5


def test_only_the_part_that_says_no_mask_is_deleted(tmp_path: Path):
    other = [7, 1, 9, 1, 9, 7]
    parts = [[1, 1, 5, 1], *SQUARE, [1, 2, 3, 4, 5, None], other, [1, 2, 3, 4, 5, 6, 7]]
    result = repaired(changed(segmentation(parts)), tmp_path)
    assert first(result.file)["segmentation"] == [*SQUARE, other]


def test_coordinates_written_as_texts_are_read(tmp_path: Path):
    result = repaired(changed(segmentation([["1", "1", 5, "1.0", 6, 5, 1, "5"]])), tmp_path)
    assert first(result.file)["segmentation"] == SQUARE


def test_null_among_polygons_is_deleted(tmp_path: Path):
    result = repaired(changed(segmentation([None, *SQUARE])), tmp_path)
    assert first(result.file)["segmentation"] == SQUARE


@pytest.mark.parametrize(
    ("size", "counts", "is_repaired"), [(None, [11, 4, 65], True), (None, [11, 4], False), ([8], [11, 4, 65], False)]
)
def test_an_rle_gets_the_size_that_its_counts_fill(size: Any, counts: list[int], is_repaired: bool, tmp_path: Path):
    result = repaired(changed(segmentation({"size": size, "counts": counts})), tmp_path)
    assert (first(result.file)["segmentation"]["size"] == [8, 10]) == is_repaired == (not result.errors)


def test_an_object_and_a_crowd_region_of_one_mask_both_stay(tmp_path: Path):
    result = repaired(changed(more_annotations({"iscrowd": 1}, {})), tmp_path)
    assert [entry["id"] for entry in read(result.file)["annotations"]] == [1, 2, 3, 4, 5]


def test_fractions_are_not_taken_for_masks_without_pixels(tmp_path: Path):
    content = changed(annotation(image_id=8, segmentation=[[0.1, 0.1, 0.5, 0.1, 0.5, 0.4]], bbox=[3, 4, 12, 12]))
    assert "SEG-NO-PIXEL" not in repaired(content, tmp_path).changes
    entry = first(repaired(content, tmp_path, also=["SEG-NORMALISED"]).file)
    np.testing.assert_allclose(entry["segmentation"], [[3, 4, 15, 4, 15, 16]])


def test_images_of_one_file_are_joined_and_the_annotations_go_along(tmp_path: Path):
    content = changed(
        lambda c: (
            c["images"].append({"id": 9, "file_name": "a.jpg", "height": 8, "width": 10}),
            c["annotations"][1].update(image_id=9),
        )
    )
    assert repaired(content, tmp_path).changes == {}
    result = repaired(content, tmp_path, also=["IMG-NAME-TWICE"])
    assert text(read(result.file)) == text(GOOD)
    assert not codes_of(result.file)


def test_images_of_one_file_but_two_sizes_are_left(tmp_path: Path):
    content = changed(lambda c: c["images"][1].update(file_name="a.jpg"))
    assert repaired(content, tmp_path, also=["IMG-NAME-TWICE"]).changes == {}


def test_classes_of_one_name_are_merged_into_the_first(tmp_path: Path):
    result = repaired(changed(category(name="disc")), tmp_path, also=["CAT-NAME-TWICE"])
    new = read(result.file)
    assert new["categories"] == [{"id": 2, "name": "disc"}]
    assert {entry["category_id"] for entry in new["annotations"]} == {2}


def test_no_two_names_become_equal(tmp_path: Path):
    content = changed(lambda c: (c["categories"][0].update(name=" disc"), c["images"][1].update(file_name="../a.jpg")))
    result = repaired(content, tmp_path)
    assert result.changes == {}
    assert {f.code for f in result.after.findings} == {"CAT-NAME-ALIKE", "IMG-NAME-OUT"}


def test_a_hole_is_cut_out_and_an_island_within_it_stays(tmp_path: Path):
    def square(left: int, right: int) -> list[int]:
        return [left, left, right, left, right, right, left, right]

    content = changed(annotation(image_id=8, segmentation=[square(10, 12), square(2, 24), square(6, 18)]))
    mask = segmentation_to_mask(first(repaired(content, tmp_path, also=["SEG-HOLE"]).file)["segmentation"], 40, 30)
    assert mask.sum() == 22**2 - 12**2 + 2**2
    assert (mask[4, 4], mask[8, 8], mask[11, 11]) == (1, 0, 1)


def test_entries_are_named_as_in_the_old_file_in_later_rounds_too(tmp_path: Path):
    content = changed(image(width="10"))
    content["annotations"][:0] = [None, {**content["annotations"][0], "id": 9, "segmentation": []}]
    content["annotations"][2].update(area=-1)
    content["annotations"].append({**content["annotations"][2], "id": 10, "area": 18})
    result = repaired(content, tmp_path)
    lines = diff_of(result)
    assert [(line["code"], line["pointer"]) for line in lines] == [
        ("JSON-TYPE", "/images/0/width"),
        ("JSON-TYPE", "/annotations/0"),
        ("SEG-EMPTY", "/annotations/1"),
        ("ANN-AREA-TYPE", "/annotations/2/area"),
        ("ANN-TWICE", "/annotations/5"),
    ]
    assert text(read(result.file)) == text(replayed(content, lines)) == text(GOOD)


def test_what_no_repair_touches_keeps_its_spaces_and_its_order(tmp_path: Path):
    content = changed(annotation(id=0))
    content = {"notes": 'a "b" \\', **{key: content[key] for key in ("annotations", "images", "categories", "info")}}
    old = json.dumps(content, indent=2)
    new = repaired(old.encode(), tmp_path).file.read_text().splitlines()
    kept = [line for line in old.splitlines() if line in new]
    assert len(kept) >= 0.75 * len(old.splitlines())
    assert list(read(tmp_path / "out" / "file.json")) == list(content)


def test_numbers_that_json_does_not_have_stay_where_nobody_asked(tmp_path: Path):
    new = first(repaired(changed(annotation(id=0, score=float("nan"))), tmp_path).file)
    assert str(new["score"]) == "nan"


@pytest.mark.parametrize("number", [10**30, -(2**63) - 1, 2**64, 10**4000])
def test_long_numbers_stay_as_they_are(number: int, tmp_path: Path):
    assert first(repaired(changed(annotation(id=0, digits=number)), tmp_path).file)["digits"] == number


def test_a_byte_order_mark_goes(tmp_path: Path):
    result = repaired(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), tmp_path)
    assert result.file.read_bytes() == json.dumps(GOOD).encode()
    assert result.changes == {"JSON-BOM": 1}


def test_an_entry_as_deep_as_nobody_can_write_it_is_left(tmp_path: Path):
    deep = "[" * 1010 + "]" * 1010
    content = json.dumps(changed(annotation(id=0))).replace('"id": 0,', f'"id": 0, "deep": {deep},').encode()
    result = repaired(content, tmp_path)
    assert set(result.changes) <= {"ANN-ID-ZERO"}
    assert deep in result.file.read_text().replace(" ", "")


def test_a_list_that_loses_its_first_entries_or_all_of_them_is_still_json(tmp_path: Path):
    content = changed(lambda c: c.update(annotations=[None, None]))
    assert read(repaired(content, tmp_path).file)["annotations"] == []
    content["annotations"] = [None, GOOD["annotations"][0], None, GOOD["annotations"][1], None]
    assert [entry["id"] for entry in read(repaired(content, tmp_path).file)["annotations"]] == [1, 2]
