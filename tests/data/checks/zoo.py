"""Broken annotation files: for every code a small change of a good file, and what must be found then."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

SQUARE = [[1, 1, 5, 1, 6, 5, 1, 5]]


def _fields(identity: int, image_id: int, category_id: int, iscrowd: int = 0, **others: Any) -> dict[str, Any]:
    return {"id": identity, "image_id": image_id, "category_id": category_id, "iscrowd": iscrowd, **others}


GOOD: dict[str, Any] = {
    "info": {"description": "a small good file"},
    "images": [
        {"id": 7, "file_name": "a.jpg", "height": 8, "width": 10},
        {"id": 8, "file_name": "b.jpg", "height": 40, "width": 30},
    ],
    "categories": [{"id": 2, "name": "ring"}, {"id": 1, "name": "disc"}],
    "annotations": [
        {**_fields(1, 7, 1, area=18, bbox=[1, 1, 5, 4]), "segmentation": SQUARE},
        {
            **_fields(2, 7, 2, area=5, bbox=[1, 2, 1, 5]),
            "segmentation": {"size": [8, 10], "counts": [10, 5, 65]},
        },
        {
            **_fields(3, 8, 2, iscrowd=1, area=40, bbox=[3, 0, 1, 40]),
            "segmentation": {"size": [40, 30], "counts": [120, 40, 1040]},
        },
    ],
}

Change = Callable[[dict[str, Any]], Any]


def changed(change: Change) -> dict[str, Any]:
    """The good file after one change."""
    content = copy.deepcopy(GOOD)
    change(content)
    return content


def image(**fields: Any) -> Change:
    return lambda content: content["images"][0].update(fields)


def category(**fields: Any) -> Change:
    return lambda content: content["categories"][0].update(fields)


def annotation(**fields: Any) -> Change:
    return lambda content: content["annotations"][0].update(fields)


def without(name: str, field: str) -> Change:
    return lambda content: content[name][0].pop(field)


def more_annotations(*entries: dict[str, Any]) -> Change:
    """Adds copies of the first annotation with other fields; their ids go on from 4."""
    return lambda content: content["annotations"].extend(
        {**copy.deepcopy(GOOD["annotations"][0]), "id": 4 + number, **entry} for number, entry in enumerate(entries)
    )


def segmentation(value: Any) -> Change:
    """Without area and box, which would no longer fit."""

    def change(content: dict[str, Any]) -> None:
        content["annotations"][0]["segmentation"] = value
        _measure(content)

    return change


def _measure(content: dict[str, Any]) -> None:
    for entry in content["annotations"]:
        entry.pop("area", None)
        entry.pop("bbox", None)


def _many(shape: Callable[[int], list[list[float]]]) -> Change:
    """Twelve objects of one kind in the larger image, and no others."""

    def change(content: dict[str, Any]) -> None:
        content["annotations"] = [
            {"id": n + 1, "image_id": 7 + (n > 0), "category_id": 1 + n % 2, "segmentation": shape(n)}
            for n in range(12)
        ]

    return change


def _box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def _crowded(content: dict[str, Any]) -> None:
    content["images"][1].update(height=200, width=200)
    content["annotations"][2].update(
        segmentation={"size": [200, 200], "counts": [600, 200, 39200]}, bbox=[3, 0, 1, 200]
    )
    content["annotations"][2].update(area=200)
    more_annotations(
        *(
            {"image_id": 8, "segmentation": [[n, n, n + 9, n, n, n + 8.5]], "area": 45, "bbox": [n, n, 9, 9]}
            for n in range(101)
        )
    )(content)


A0 = "/annotations/0"
SEG = f"{A0}/segmentation"
# Findings that belong to a change of the mask, whose area and box were deleted.
BARE = [("ANN-AREA-NONE", "/annotations"), ("ANN-BOX-NONE", "/annotations")]

# (change, findings beside those that the mask's change brings)
ZOO: list[tuple[str, Change, list[tuple[str, str]]]] = [
    ("no list of images", lambda c: c.pop("images"), [("JSON-TYPE", "/images")]),
    ("annotations are an object", lambda c: c.update(annotations={}), [("JSON-TYPE", "/annotations")]),
    ("no width", without("images", "width"), [("JSON-TYPE", "/images/0/width")]),
    ("height as text", image(height="8"), [("JSON-TYPE", "/images/0/height")]),
    ("no pixel", image(height=0), [("JSON-TYPE", "/images/0/height")]),
    ("more pixels than can be counted", image(height=10**6, width=10**6), [("JSON-TYPE", "/images/0/height")]),
    ("an annotation that is null", lambda c: c["annotations"].append(None), [("JSON-TYPE", "/annotations/3")]),
    ("an image that is a list", lambda c: c["images"].append([]), [("JSON-TYPE", "/images/2")]),
    ("a category that is a text", lambda c: c["categories"].append("disc"), [("JSON-TYPE", "/categories/2")]),
    ("an id that is true", annotation(id=True), [("JSON-TYPE", f"{A0}/id")]),
    ("a category without a name", without("categories", "name"), [("JSON-TYPE", "/categories/0/name")]),
    ("no image_id", without("annotations", "image_id"), [("JSON-TYPE", f"{A0}/image_id")]),
    ("an annotation without id", without("annotations", "id"), [("ID-MISSING", f"{A0}/id")]),
    ("an id of 25 digits", annotation(id=10**25), [("ID-RANGE", f"{A0}/id")]),
    ("an id of 64 bits and one", annotation(id=2**63), [("ID-RANGE", f"{A0}/id")]),
    ("an annotation id twice", annotation(id=2), [("ID-TWICE", "/annotations/1/id")]),
    ("a category id twice", lambda c: c["categories"].append({"id": 2, "name": "x"}), [
        ("ID-TWICE", "/categories/2/id"),
    ]),
    (
        "an image id twice",
        lambda c: c["images"].append({"id": 7, "file_name": "c.jpg", "height": 8, "width": 10}),
        [("ID-TWICE", "/images/2/id")],
    ),
    ("annotation 0", annotation(id=0), [("ANN-ID-ZERO", f"{A0}/id")]),
    ("no categories", lambda c: c.update(categories=[], annotations=[]), [
        ("CAT-NONE", "/categories"), ("ANN-NONE", "/annotations"),
        ("IMG-EMPTY", "/images/0"), ("IMG-EMPTY", "/images/1"),
    ]),
    ("an unknown category", annotation(category_id=3), [
        ("CAT-UNKNOWN", f"{A0}/category_id"), ("CAT-EMPTY", "/categories"),
    ]),
    ("a name twice", category(name="disc"), [("CAT-NAME-TWICE", "/categories/1/name")]),
    ("names that differ in case", category(name="Disc"), [("CAT-NAME-ALIKE", "/categories/1/name")]),
    ("a name with a space", category(name="ring "), [("CAT-NAME-ALIKE", "/categories/0/name")]),
    ("ids with gaps", lambda c: c["categories"].append({"id": 9, "name": "star"}), [
        ("CAT-GAP", "/categories"), ("CAT-EMPTY", "/categories"),
    ]),
    ("no images", lambda c: c.update(images=[], annotations=[]), [
        ("IMG-NONE", "/images"), ("ANN-NONE", "/annotations"),
        ("CAT-EMPTY", "/categories"), ("CAT-EMPTY", "/categories"),
    ]),
    ("an unknown image", annotation(image_id=9), [("IMG-UNKNOWN", f"{A0}/image_id")]),
    ("a name with a newline", image(file_name="a\n.jpg"), [("IMG-NAME", "/images/0/file_name")]),
    ("half a character", image(file_name="\ud800.jpg"), [("IMG-NAME", "/images/0/file_name")]),
    ("a name of 300 letters", image(file_name="a" * 300), [("IMG-NAME", "/images/0/file_name")]),
    ("a name that is a folder", image(file_name=".."), [("IMG-NAME", "/images/0/file_name")]),
    ("an empty name", image(file_name=""), [("JSON-TYPE", "/images/0/file_name")]),
    ("a name that leads out", image(file_name="../a.jpg"), [("IMG-NAME-OUT", "/images/0/file_name")]),
    ("an absolute name", image(file_name="/data/a.jpg"), [("IMG-NAME-OUT", "/images/0/file_name")]),
    ("a name twice", lambda c: c["images"][1].update(file_name="a.jpg"), [("IMG-NAME-TWICE", "/images/1/file_name")]),
    ("an image without annotations", lambda c: c["annotations"].pop(), [("IMG-EMPTY", "/images/1")]),
    ("101 objects in an image", _crowded, [("IMG-MANY", "/images/1")]),
    ("crowd 2", annotation(iscrowd=2), [("ANN-CROWD", f"{A0}/iscrowd")]),
    ("a crowd in polygons", annotation(iscrowd=1), [("ANN-CROWD-POLYGON", SEG), ("CAT-EMPTY", "/categories")]),
    ("a negative area", annotation(area=-1), [("ANN-AREA-TYPE", f"{A0}/area")]),
    ("an area that is no number", annotation(area=float("nan")), [("ANN-AREA-TYPE", f"{A0}/area")]),
    ("a wrong area", annotation(area=30), [("ANN-AREA", f"{A0}/area")]),
    ("no area", without("annotations", "area"), [("ANN-AREA-NONE", "/annotations")]),
    ("a box of 3 numbers", annotation(bbox=[1, 1, 4]), [("ANN-BOX-TYPE", f"{A0}/bbox")]),
    ("a box with infinity", annotation(bbox=[1, 1, 4, float("inf")]), [("ANN-BOX-TYPE", f"{A0}/bbox")]),
    ("a box with a negative side", annotation(bbox=[5, 5, -4, -4]), [("ANN-BOX-TYPE", f"{A0}/bbox")]),
    ("a wrong box", annotation(bbox=[1, 1, 9.5, 4]), [("ANN-BOX", f"{A0}/bbox")]),
    (
        "a box of two corners",
        lambda c: c["annotations"][2].update(
            bbox=[20, 0, 21, 40], segmentation={"size": [40, 30], "counts": [800, 40, 360]}
        ),
        [("ANN-BOX-CORNERS", "/annotations/2/bbox")],
    ),
    ("no box", without("annotations", "bbox"), [("ANN-BOX-NONE", "/annotations")]),
    ("an object twice", more_annotations({}), [("ANN-TWICE", "/annotations/3")]),
    ("one mask, two classes", more_annotations({"category_id": 2}), [("ANN-MASK-TWICE", "/annotations/3")]),
    ("no segmentation", without("annotations", "segmentation"), [("SEG-MISSING", SEG)]),
    ("segmentation null", annotation(segmentation=None), [("SEG-MISSING", SEG)]),
    ("no polygon", segmentation([]), [("SEG-EMPTY", SEG), *BARE]),
    ("an empty RLE", segmentation({"size": [8, 10], "counts": [80]}), [
        ("SEG-EMPTY", f"{SEG}/counts"), *BARE,
    ]),
    ("segmentation 5", segmentation(5), [("SEG-TYPE", SEG), *BARE]),
    ("a flat list", segmentation([1, 1, 5, 1, 5, 5]), [("SEG-TYPE", SEG), *BARE]),
    ("a number among polygons", segmentation([*SQUARE, 5]), [("SEG-TYPE", f"{SEG}/1"), *BARE]),
    ("a coordinate NaN", segmentation([[1, 1, 5, 1, 5, float("nan")]]), [
        ("SEG-NUMBER", f"{SEG}/0"), *BARE,
    ]),
    ("a coordinate of 400 digits", segmentation([[1, 1, 5, 1, 5, 10**400]]), [
        ("SEG-NUMBER", f"{SEG}/0"), *BARE,
    ]),
    ("a coordinate as text", segmentation([[1, 1, 5, 1, 5, "5"]]), [
        ("SEG-NUMBER", f"{SEG}/0"), *BARE,
    ]),
    ("a coordinate null", segmentation([[1, 1, 5, 1, 5, None]]), [
        ("SEG-NUMBER", f"{SEG}/0"), *BARE,
    ]),
    ("an x without y", segmentation([*SQUARE, [1, 1, 5, 1, 5, 5, 6]]), [
        ("SEG-POLY-ODD", f"{SEG}/1"), *BARE,
    ]),
    ("two points", segmentation([[1, 1, 5, 1]]), [("SEG-POLY-SHORT", f"{SEG}/0"), *BARE]),
    ("a point beyond the moon", segmentation([[1, 1, 5, 1, 5, 4e8]]), [
        ("SEG-FAR", f"{SEG}/0"), *BARE,
    ]),
    ("a polygon that leaves the image", segmentation([[1, 1, 12, 1, 6, 5]]), [("SEG-OUTSIDE", SEG), *BARE]),
    ("a polygon beside the image", segmentation([[20, 1, 25, 1, 22, 5]]), [
        ("SEG-OUTSIDE", SEG), ("SEG-NO-PIXEL", SEG), *BARE,
    ]),
    ("a line", segmentation([[1, 1, 5, 1, 3, 1]]), [("SEG-NO-PIXEL", SEG), *BARE]),
    ("most in fractions", _many(lambda n: [[0.1, 0.1, 0.9, 0.1, 0.5, 0.8 + n / 99]] if n else SQUARE), [
        *[("SEG-NORMALISED", f"/annotations/{n}/segmentation") for n in range(1, 12)],
        ("SEG-ALL-NORMALISED", "/annotations"), *BARE,
    ]),
    ("a rectangle", segmentation(_box(1, 1, 5, 4)), [("SEG-BOX", SEG), *BARE]),
    ("most are rectangles", _many(lambda n: _box(n % 3, n % 5, n % 3 + 4, n % 2 + 6)), [
        *[("SEG-BOX", f"/annotations/{n}/segmentation") for n in range(12)],
        ("SEG-BOXES", "/annotations"), *BARE,
    ]),
    ("a part twice", segmentation([*SQUARE, *SQUARE]), [("SEG-PART-TWICE", f"{SEG}/1"), *BARE]),
    ("a part inside another", segmentation([[0, 0, 9, 0, 9, 7.6, 1, 7], [3, 2, 6, 2, 6, 5]]), [
        ("SEG-HOLE", f"{SEG}/1"), *BARE,
    ]),
    ("the whole image", segmentation({"size": [8, 10], "counts": [0, 80]}), [("SEG-FULL", SEG), *BARE]),
    ("an RLE without size", segmentation({"counts": [80]}), [
        ("SEG-RLE-SIZE", f"{SEG}/size"), *BARE,
    ]),
    ("an RLE of another size", segmentation({"size": [10, 8], "counts": [1, 79]}), [
        ("SEG-RLE-SIZE", f"{SEG}/size"), *BARE,
    ]),
    *(
        (f"counts {counts!r}", segmentation({"size": [8, 10], "counts": counts}), [
            ("SEG-RLE-COUNTS", f"{SEG}/counts"), *BARE,
        ])
        for counts in ([], [9, 9], [-1, 81], "~~", "oo", None, "b'PPYo0'", [80.0])
    ),
]  # fmt: skip


def texts() -> Iterator[tuple[str, bytes, str]]:
    """Files that are no JSON, or no COCO object: what they are, their bytes, and the one code that must be found."""
    good = json.dumps(GOOD).encode()
    yield "nothing", b"", "JSON-SYNTAX"
    yield "spaces", b"  \n ", "JSON-SYNTAX"
    yield "null", b"null", "JSON-SYNTAX"
    yield "a list", b"[]", "JSON-TYPE"
    yield "a text", b'"images"', "JSON-SYNTAX"
    yield "a number of 5000 digits", b'{"images": ' + b"9" * 5000 + b"}", "JSON-SYNTAX"
    yield "a comma too many", good.replace(b'{"id": 3', b', {"id": 3'), "JSON-SYNTAX"
    yield "a comma at the end", good.replace(b"1040]}}]", b"1040]}},]"), "JSON-SYNTAX"
    yield "a comma too many in what nobody reads", good.replace(b'"a small good file"', b'"a",'), "JSON-SYNTAX"
    yield "a bracket too many", good + b"}", "JSON-SYNTAX"
    yield "single quotes", good.replace(b'"', b"'"), "JSON-SYNTAX"
    yield "zip", b"PK\x03\x04" + good, "JSON-ENCODING"
    yield "gzip", b"\x1f\x8b\x08" + good, "JSON-ENCODING"
    yield "UTF-16", json.dumps(GOOD).encode("utf-16"), "JSON-ENCODING"
    yield "UTF-16 without a mark", json.dumps(GOOD).encode("utf-16-le"), "JSON-ENCODING"
    yield "Latin-1", good.replace(b"disc", b"dis\xe9"), "JSON-ENCODING"
    yield "deep lists", good.replace(b"[{", b"[" * 100_001 + b"]" * 100_000 + b", {", 1), "JSON-DEPTH"
    yield "deep lists without end", b"[" * 100_000, "JSON-TYPE"
    yield "deep objects without end", b'{"a":' * 100_000, "JSON-SYNTAX"
