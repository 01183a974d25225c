"""Whatever becomes of a good file, checking it gives findings or a sound data set, and never an exception."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.checks.file import check_file
from sparseinst.data.checks.findings import blocking
from sparseinst.masks.coco import segmentation_to_mask
from tests.data.checks.damage import damaged
from tests.data.checks.zoo import GOOD


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations") / "file.json"


def is_sound(file: Path) -> bool:
    """Checks the file; where nothing blocks, every mask must be drawable as the table says."""
    checked = check_file(file)
    for finding in checked.findings:
        str(finding).encode()
        json.dumps(finding.to_dict())
    if blocking(checked.findings):
        return False
    content = json.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    assert len(checked.annotations) == len(content["annotations"])
    sizes = {image["id"]: (image["height"], image["width"]) for image in content["images"]}
    for entry, area in zip(content["annotations"], checked.annotations.areas.tolist(), strict=True):
        assert segmentation_to_mask(entry["segmentation"], *sizes[entry["image_id"]]).sum() == area
    return True


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_value_that_was_replaced_or_lost(file: Path, data: st.DataObject):
    file.write_text(json.dumps(damaged(data)))
    is_sound(file)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_bytes_that_were_changed(file: Path, data: st.DataObject):
    text = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        new = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"9"])
        )
        text[at : at + data.draw(st.integers(0, 3))] = new
        if not text:
            break
    file.write_bytes(bytes(text))
    is_sound(file)


def test_the_good_file_itself_is_sound(file: Path):
    file.write_text(json.dumps(GOOD))
    assert is_sound(file)
