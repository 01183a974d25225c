"""Whatever becomes of a good file, reading it gives findings or sound detections, and no other exception."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from sparseinst.evaluation.coco.numbers import mask_metrics
from sparseinst.evaluation.truth import Truth
from sparseinst.masks.coco import mask_to_counts
from tests.data.checks.damage import damaged
from tests.evaluation.detections.world import HEIGHT, POLYGON, WIDTH, good, read, truth_in

GOOD = [
    good(),
    good(image_id=7, segmentation=mask_to_counts(np.eye(8, 9)), bbox=[0, 0, 8, 8.5]),
    good(category_id=0, score=1, segmentation=POLYGON),
]
_ODD_NUMBERS = [0, -1, 1e308, 2**31, 2**63, -(2**63), 10**400, float("nan"), float("inf"), 0.5, 4.0, True]
_VALUES = st.one_of(
    st.sampled_from([None, "", "\ud800", "4", [], {}, [[]], [[[]]], {"size": [HEIGHT, WIDTH]}, *_ODD_NUMBERS]),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.floats(-20, 40) | st.integers(-5, 20), max_size=9),
    st.lists(st.lists(st.floats(-20, 40), max_size=9), max_size=3),
    st.fixed_dictionaries({"size": st.just([8, 9]), "counts": st.text("0P1oN5b", max_size=9)}),
    st.fixed_dictionaries({"size": st.just([8, 9]), "counts": st.lists(st.integers(-1, 72), max_size=6)}),
)
_BYTES = st.binary(max_size=3) | st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"9", b"NaN"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return truth_in(folder)


def is_sound(folder: Path, truth: Truth, content: bytes) -> bool:
    """Reads the file; what it gives can be drawn and measured."""
    results, findings = read(folder, truth, content)
    sizes = {image["id"]: [image["height"], image["width"]] for image in truth.images}
    for result in results:
        assert list(coco_mask.decode(result["segmentation"]).shape) == sizes[result["image_id"]]
        assert np.isfinite(result["score"])
        assert isinstance(result["score"], float)
        assert result["category_id"] in (0, 2)
        assert type(result["image_id"]) is type(result["category_id"]) is int
    mask_metrics(truth.coco, results)
    return not any(code.startswith(("SEG", "IMG", "CAT", "JSON")) for code, _ in findings)


def test_unchanged_it_is_sound(folder: Path, truth: Truth):
    assert is_sound(folder, truth, json.dumps(GOOD).encode())


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_value_that_was_replaced_or_lost(folder: Path, truth: Truth, data: st.DataObject):
    content = damaged(data, GOOD, _VALUES)
    is_sound(folder, truth, json.dumps(content if data.draw(st.booleans()) else {"annotations": content}).encode())


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_bytes_that_were_changed(folder: Path, truth: Truth, data: st.DataObject):
    text = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(text) - 1, 0)))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(_BYTES)
    is_sound(folder, truth, bytes(text))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_letters_of_an_rle_that_were_changed(folder: Path, truth: Truth, data: st.DataObject):
    """The most dangerous ones: they stay JSON, and pycocotools would read them."""
    entry = good()
    counts = list(entry["segmentation"]["counts"])
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(counts) - 1))
        counts[at] = chr(data.draw(st.integers(48, 111)))
    entry["segmentation"]["counts"] = "".join(counts)
    is_sound(folder, truth, json.dumps([entry]).encode())
