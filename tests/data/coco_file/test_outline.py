"""The outline finds what a whole JSON reader finds, wherever blocks begin and cuts fall."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.coco_file import outline as outline_module
from sparseinst.data.coco_file.outline import outline
from sparseinst.data.coco_file.text import SyntaxProblem, line_and_column, parse_entries

TEXTS = st.text(alphabet=st.sampled_from('ab"\\{}[],: é\n\u0000'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(TEXTS, VALUES, max_size=4),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_an_outline_and_its_pieces_give_the_whole_object(
    value: dict[str, Any], block: int, ascii_only: bool, indent: int | None
):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outline_module, "_BLOCK_BYTES", block)
        parts = outline(text)
    assert [part.key for part in parts] == list(value)
    for part in parts:
        if part.start < 0:
            assert part.value == value[part.key]
        elif part.is_list:
            edges = [part.start + 1, *part.cuts, part.end - 1]
            pieces = [parse_entries(text, *edge, number == 0) for number, edge in enumerate(pairwise(edges))]
            assert [entry for piece in pieces for entry in piece] == value[part.key]
        else:
            assert json.loads(text[part.start : part.end]) == value[part.key]


def test_lists_are_cut_so_that_pieces_are_small(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outline_module, "_BLOCK_BYTES", 100)
    text = json.dumps({"annotations": [{"id": number} for number in range(200)]}).encode()
    (part,) = outline(text)
    edges = [part.start + 1, *part.cuts, part.end - 1]
    assert max(end - start for start, end in pairwise(edges)) < 200


@pytest.mark.parametrize("text", [b"{", b'{"a": [1, 2', b'{"a": "b', b'{"a": [{}}', b'{"a": 1}}', b'{"a" 1}', b"{} {}"])
def test_text_that_is_no_object_is_a_problem_with_a_place(text: bytes):
    with pytest.raises(SyntaxProblem) as caught:
        outline(text)
        # Brackets that do not match are found by whoever reads the piece.
        parse_entries(text, 7, len(text) - 1, True)
    assert 0 <= caught.value.place <= len(text)


def test_lines_and_columns_are_counted_from_1():
    assert line_and_column(b"ab\ncd", 0) == (1, 1)
    assert line_and_column(b"ab\ncd", 4) == (2, 2)
