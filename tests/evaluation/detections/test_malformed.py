"""Each thing that can be wrong with a detection is exactly one finding, with its place."""

from __future__ import annotations

import pytest

from tests.evaluation.detections.world import HEIGHT, POLYGON, WIDTH, good, read, rle, truth_in, without

SIZE = [HEIGHT, WIDTH]
PIXELS = HEIGHT * WIDTH


def counted(counts, size=SIZE):
    return good(segmentation={"size": size, "counts": counts})


MALFORMED = {
    "an unknown image": (good(image_id=99), "IMG-UNKNOWN", "/image_id"),
    "an image id as text": (good(image_id="4"), "IMG-UNKNOWN", "/image_id"),
    "a text that is nearly an image id": (good(image_id="--4"), "IMG-UNKNOWN", "/image_id"),
    "half an image id": (good(image_id=4.5), "IMG-UNKNOWN", "/image_id"),
    "true as an image id": (good(image_id=True), "IMG-UNKNOWN", "/image_id"),
    "a list as an image id": (good(image_id=[4]), "IMG-UNKNOWN", "/image_id"),
    "no image id at all": (without("image_id"), "DET-KEYS", ""),
    "null as an image id": (good(image_id=None), "IMG-UNKNOWN", "/image_id"),
    "an endless image id": (good(image_id=float("inf")), "IMG-UNKNOWN", "/image_id"),
    "a huge image id": (good(image_id=10**400), "IMG-UNKNOWN", "/image_id"),
    "an unknown category": (good(category_id=3), "CAT-UNKNOWN", "/category_id"),
    "a category id as text": (good(category_id="2"), "CAT-UNKNOWN", "/category_id"),
    "false for category 0": (good(category_id=False), "CAT-UNKNOWN", "/category_id"),
    "a name as category": (good(category_id="disc"), "CAT-UNKNOWN", "/category_id"),
    "no score": (without("score"), "DET-KEYS", ""),
    "a NaN as score": (good(score=float("nan")), "DET-SCORE", "/score"),
    "an infinite score": (good(score=float("-inf")), "DET-SCORE", "/score"),
    "a huge score": (good(score=10**400), "DET-SCORE", "/score"),
    "a score as text": (good(score="0.9"), "DET-SCORE", "/score"),
    "true as score": (good(score=True), "DET-SCORE", "/score"),
    "null as score": (good(score=None), "DET-SCORE", "/score"),
    "a list as score": (good(score=[0.9]), "DET-SCORE", "/score"),
    "no segmentation": (without("segmentation"), "DET-KEYS", ""),
    "null as segmentation": (good(segmentation=None), "DET-KEYS", ""),
    "a box alone": ({**without("segmentation"), "bbox": [1, 2, 3, 4]}, "DET-MASK-NONE", ""),
    "keypoints alone": ({**without("segmentation"), "keypoints": [1, 2, 2]}, "DET-MASK-NONE", ""),
    "a box and null": (good(segmentation=None, bbox=[1, 2, 3, 4]), "DET-MASK-NONE", ""),
    "a box of three": (good(bbox=[1, 2, 3]), "DET-BOX", "/bbox"),
    "a box of texts": (good(bbox=["1", "2", "3", "4"]), "DET-BOX", "/bbox"),
    "a box with NaN": (good(bbox=[1, float("nan"), 3, 4]), "DET-BOX", "/bbox"),
    "a box with NaN first": (good(bbox=[float("nan"), 1, 3, 4]), "DET-BOX", "/bbox"),
    "a box of 400 digits": (good(bbox=[10**400, 0.5, 3, 4]), "DET-BOX", "/bbox"),
    "a box of 400 digits before 0": (good(bbox=[0.5, -(10**400), 3, 4]), "DET-BOX", "/bbox"),
    "a box of negative width": (good(bbox=[1, 2, -3, 4]), "DET-BOX", "/bbox"),
    "false as box": (good(bbox=False), "DET-BOX", "/bbox"),
    "a text as segmentation": (good(segmentation="mask"), "SEG-TYPE", "/segmentation"),
    "a number as segmentation": (good(segmentation=1), "SEG-TYPE", "/segmentation"),
    "a flat polygon": (good(segmentation=POLYGON[0]), "SEG-TYPE", "/segmentation"),
    "a polygon of two points": (good(segmentation=[[1, 1, 5, 5]]), "SEG-POLY-SHORT", "/segmentation/0"),
    "an x without its y": (good(segmentation=[[1, 1, 5, 5, 9, 9, 9]]), "SEG-POLY-ODD", "/segmentation/0"),
    "a polygon with null": (good(segmentation=[[1, 1, 5, 5, 9, None]]), "SEG-NUMBER", "/segmentation/0"),
    "a polygon to the moon": (good(segmentation=[[1, 1, 5, 5, 9, 1e9]]), "SEG-FAR", "/segmentation/0"),
    "an RLE of another image": (good(segmentation=rle(40, 60)), "SEG-RLE-SIZE", "/segmentation/size"),
    "sides swapped": (good(segmentation=rle(WIDTH, HEIGHT)), "SEG-RLE-SIZE", "/segmentation/size"),
    "no size": (good(segmentation={"counts": rle()["counts"]}), "SEG-RLE-SIZE", "/segmentation/size"),
    "a size of texts": (counted(rle()["counts"], ["50", "60"]), "SEG-RLE-SIZE", "/segmentation/size"),
    "a negative size": (counted([], [-50, -60]), "SEG-RLE-SIZE", "/segmentation/size"),
    "no counts": (good(segmentation={"size": SIZE}), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "an object as counts": (counted({"0": 1}), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "counts that are too few": (counted([PIXELS - 1]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "no count": (counted([]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a negative count": (counted([PIXELS + 5, -5]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a count that wraps to a right one": (counted([PIXELS + 2**32]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a count of 100 digits": (counted([10**100]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "half a count": (counted([PIXELS - 0.5, 0.5]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "true as a count": (counted([PIXELS - 1, True]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "an empty text": (counted(""), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a text cut off": (counted(rle()["counts"][:-1]), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a text that goes on": (counted(rle()["counts"] + "1"), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a text ends in a number": (counted(rle()["counts"] + "P"), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a number without end": (counted("o" * 40 + "0"), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "letters of no RLE": (counted("5 5"), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "letters that are not ASCII": (counted("５５"), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "half a character": (counted("5\ud8005"), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "bytes written as text": (counted(f"b'{rle()['counts']}'"), "SEG-RLE-COUNTS", "/segmentation/counts"),
    "a text": ("detection", "DET-KEYS", ""),
    "null": (None, "DET-KEYS", ""),
    "a list": ([4, 2, 0.5], "DET-KEYS", ""),
    "an empty object": ({}, "DET-KEYS", ""),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("malformed")


@pytest.fixture(scope="module")
def truth(folder):
    return truth_in(folder)


@pytest.mark.parametrize("kind", MALFORMED)
def test_it_is_one_finding_at_its_place(folder, truth, kind):
    entry, code, place = MALFORMED[kind]
    assert read(folder, truth, [good(), entry, good(score=0.6)]) == ([], [(code, f"/1{place}")])


def test_all_together_are_found_in_the_order_of_the_file(folder, truth):
    results, findings = read(folder, truth, [entry for entry, _, _ in MALFORMED.values()])
    assert results == []
    assert findings == [(code, f"/{n}{place}") for n, (_, code, place) in enumerate(MALFORMED.values())]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks_or_no_float_holds_are_a_finding_where_they_matter(folder, truth, number):
    text = '[{"image_id": 4, "category_id": 2, "score": %s, "segmentation": %s}]'
    content = text % (number, '{"size": [50, 60], "counts": [3000]}')
    assert read(folder, truth, content.encode()) == ([], [("DET-SCORE", "/0/score")])


def test_texts_say_how_to_mend_them(folder, truth):
    for entry, words in [
        (good(image_id="4"), "Write the number 4, without quotes"),
        (good(score="0.9"), "Write it without quotes"),
        (without("score"), "a file without scores holds annotations, not detections"),
        (counted("b'5'"), "decode them to ASCII before json.dump"),
        (good(segmentation=rle(WIDTH, HEIGHT)), "width and height are swapped"),
    ]:
        read(folder, truth, [entry])
        assert words in (folder / "out/findings.jsonl").read_text()
