from __future__ import annotations

import re

import pytest

from sparseinst.data.categories import Category
from sparseinst.data.report.page import render, write_report
from tests.data.report.example import CLASSES, IMAGE, SCRIPT, findings, pictures, splits, table


@pytest.fixture(scope="module")
def whole():
    tables = splits()
    return {
        "title": SCRIPT, "categories": CLASSES, "splits": tables, "findings": findings(), "gallery": pictures(tables),
    }  # fmt: skip


def test_the_same_dataset_gives_the_same_bytes(whole, tmp_path):
    for name in ("one.html", "two.html"):
        write_report(tmp_path / name, **whole)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_the_page_names_no_folder_of_the_machine_and_no_address(whole):
    page = render(**whole)
    assert "/home/me" not in page
    assert not re.search(r"https?://|//[a-z]|@import|url\(", re.sub(r"data:image/jpeg;base64,[^\"]+", "", page))


def test_names_of_users_are_text_wherever_they_stand(whole):
    page = render(**whole)
    assert SCRIPT not in page
    assert IMAGE not in page
    assert page.count("<script>") == 1
    assert "onmouseover='" not in page


@pytest.mark.parametrize("tables", [[], [table(sizes=())], [table()], [table(sizes=()), table("val", sizes=((0, 0),))]])
def test_a_dataset_with_nothing_in_it_has_a_report_too(tables):
    page = render(title="empty", categories=[], splits=tables, findings=[], gallery=[])
    assert "No findings: every check passed." in page
    assert "There are no classes." in page


def test_half_a_character_in_a_name_does_not_stop_the_report(tmp_path):
    split = table(names=["\ud800.jpg"], objects=[(0, 0, False, (0, 0, 2, 2))])
    path = tmp_path / "report.html"
    write_report(path, title="\udfff", categories=[Category(1, "\ud800")], splits=[split], findings=[], gallery=[])
    assert "<h1><bdi>?</bdi></h1>" in path.read_text(encoding="utf-8")


def test_classes_after_the_thirtieth_are_folded_away(whole):
    page = render(**whole)
    assert page.count('<tr class="tail">') == len(CLASSES) - 30
    assert "Show all 42" in page


def test_a_split_alone_needs_no_legend():
    page = render(title="one", categories=CLASSES[2:4], splits=[table()], findings=[], gallery=[])
    assert 'class="legend"' not in page
