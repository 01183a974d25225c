"""Markdown that shows others' texts and nothing that they could mean."""

import re

import pytest

from sparseinst.pages.markdown import block, document, plain, table

EVIL = [
    "<script>x</script>",
    "[a](javascript:x)",
    "![a](//e.example)",
    "`code`",
    "# big",
    "a | b",
    "*a*",
    "~a~",
    "&lt;",
]


def bare(text):
    """Without what is escaped."""
    return re.sub(r"\\.", "", text)


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_a_text_is_markup(text):
    assert not re.search(r"[<>\[\]`#|*~&]", bare(plain(text)))
    assert re.sub(r"\\(.)", r"\1", plain(text)) == text


def test_a_text_of_several_lines_stays_on_one():
    assert plain("one\n# two\r\nthree\u2028four") == r"one \# two three four"


def test_a_cell_cannot_leave_its_row_or_its_column():
    lines = table(("a", "b"), [("x | y\n| z", "w")])
    assert len(lines) == 4
    assert bare(lines[2]).count("|") == 3


@pytest.mark.parametrize("text", ["one\ntwo", "one\r\ntwo", "one\x0btwo"])
def test_no_line_ends_a_block(text):
    assert block([text, "", "  in"]) == ["    one two", "", "      in", ""]


def test_a_document_ends_in_one_newline():
    assert document(["", "# a", "", ""]) == "# a\n"
