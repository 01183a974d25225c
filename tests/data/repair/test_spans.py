"""The text of a list falls into its entries, whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparseinst.data.coco_file.outline as outline_module
from sparseinst.data.repair.spans import changed_texts, entry_spans
from tests.data.checks.zoo import GOOD, annotation, changed
from tests.data.repair.replay import diff_of, read, repaired, replayed, text

letters = st.text(st.sampled_from('a"\\[]{},: \n'), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | letters,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(values, max_size=6), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_span_holds_one_entry(entries: list[Any], indent: Any, is_first: bool):
    body = json.dumps(entries, indent=indent)[1:-1].encode()
    body = body if is_first else (b"  ," + body if entries else b" ")
    spans = entry_spans(body, is_first=is_first)
    assert [json.loads(body[start:end]) for start, end in spans] == entries


def test_a_changed_entry_keeps_the_spaces_around_it_and_a_deleted_one_leaves_none():
    body = b" 1,\n 2 ,3"
    assert changed_texts(body, entry_spans(body, is_first=True), {1: b"22"}) == [b" 1", b"\n 22 ", b"3"]
    assert changed_texts(body, entry_spans(body, is_first=True), {0: None}) == [b"\n 2 ", b"3"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("damage", ["first", "all", "some", "last"])
def test_a_list_that_is_read_in_many_pieces_is_repaired_as_in_one(
    indent: int | None, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    content = changed(annotation(score=0.25))
    entry = content["annotations"][0]
    content["annotations"] = [
        {**entry, "id": number + 1, "segmentation": [[1, 1, 5, 1, 6, 5, 1, 5 + number / 99]]} for number in range(30)
    ]
    damaged = {"first": range(12), "all": range(30), "some": range(3, 30, 7), "last": [29]}[damage]
    for number in damaged:
        content["annotations"][number]["segmentation"] = []
    monkeypatch.setattr(outline_module, "_BLOCK_BYTES", 300)
    result = repaired(json.dumps(content, indent=indent).encode(), tmp_path, only=["SEG-EMPTY"])
    new = read(result.file)
    assert text(new) == text(replayed(content, diff_of(result)))
    assert len(new["annotations"]) == 30 - len(damaged)
    assert new["images"] == GOOD["images"]
