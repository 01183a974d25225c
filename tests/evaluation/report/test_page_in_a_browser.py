"""An evaluation's page as a browser shows it: it asks for nothing, fits every screen, and keys are enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sparseinst.evaluation.report.page import evaluation_page
from sparseinst.imaging.write import encode_image
from sparseinst.pages.page import write_page
from tests.browser import Visit
from tests.evaluation.report.example import NASTY, PICTURED, comparison, metrics

pytestmark = pytest.mark.browser

TEXT = (
    "h1, h2, h3, p, dt, dd, th, td, summary, .badge, .of, .told span, .told b, nav a, code, .legend span, .about, "
    ".axis span, .chips span, button, .chart text"
)
NAMES_SHOWN = "#class-table tbody th"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pixels = np.tile(np.linspace(0, 255, 300, dtype=np.uint8)[None, :, None], (90, 1, 3))
    pictures = {name: encode_image(pixels, ".jpg") for name in PICTURED}
    path = tmp_path_factory.mktemp("evaluation") / "report.html"
    verdict = {"decision": "investigate", "reasons": [NASTY, "another reason"]}
    write_page(path, evaluation_page(metrics(), pictures, comparison(), verdict, commit=NASTY))
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluation") / "report.html"
    names = [f"class {place}" for place in range(500)]
    write_page(path, evaluation_page(metrics(names), {}, comparison(names)))
    return path


def _names(made: Visit) -> list[str]:
    return made.page.locator(NAMES_SHOWN).filter(visible=True).all_inner_texts()


def _sort_by(made: Visit, heading: str) -> None:
    """With the keyboard."""
    made.page.locator("#class-table thead").get_by_role("button", name=heading, exact=True).focus()
    made.page.keyboard.press("Enter")


def test_it_opens_without_a_complaint_and_asks_for_nothing(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    assert made.complaints == []
    assert [address for address in made.requests if not address.startswith("data:")] == [page.resolve().as_uri()]
    assert made.page.locator("svg.chart").filter(visible=True).count() == 4


def test_every_picture_can_be_seen(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    widths = "Promise.all([...document.images].map((image) => image.decode().then(() => image.naturalWidth)))"
    assert made.page.evaluate(widths) == [300] * 3
    assert made.page.locator("img:not([alt]), img[alt='']").count() == 0
    assert made.page.locator(".without li").count() == 8


def test_metrics_without_anything_and_of_one_class_open_as_well(visit: Callable[..., Visit], tmp_path: Path) -> None:
    for found in ({}, metrics(["only"])):
        write_page(tmp_path / "report.html", evaluation_page(found, {}))
        made = visit(tmp_path / "report.html", width=390)
        assert made.complaints == []
        assert made.page.evaluate("document.documentElement.scrollWidth") == 390
        assert made.page.locator("#class-text").count() == 0


def test_texts_with_scripts_in_them_do_nothing(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    made.open_all()
    for target in made.page.locator("bdi, .told li, .file, .hit, .bubble").filter(visible=True).all()[:120]:
        target.dispatch_event("mouseover")
    made.page.locator("#class-text").fill("<script>")
    assert _names(made) == [NASTY.replace("\u2028", " ")] or len(_names(made)) == 1
    assert made.page.evaluate("window.taken") is None
    assert made.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(visit: Callable[..., Visit], page: Path, scheme: str) -> None:
    visit(page, color_scheme=scheme).assert_readable(scheme, TEXT)


@pytest.mark.parametrize("width", [320, 390, 700, 1000])
def test_nothing_sticks_out_on_small_screens(visit: Callable[..., Visit], page: Path, large: Path, width: int) -> None:
    for path in (page, large):
        made = visit(path, width=width, color_scheme="dark")
        made.open_all()
        assert made.page.evaluate("document.documentElement.scrollWidth") == width


def test_no_cell_of_a_table_is_cut_off_or_lies_over_its_neighbour(visit: Callable[..., Visit], large: Path) -> None:
    for width in (320, 390, 1280):
        over = visit(large, width=width).page.evaluate(
            """[...document.querySelectorAll('.tracks td, .forest td, .classes td, .classes thead th')]
               .filter((cell) => cell.offsetParent && cell.scrollWidth > cell.clientWidth + 1)
               .map((cell) => cell.closest('table').className + ': ' + cell.textContent)"""
        )
        assert over == [], width


def test_text_in_charts_is_never_tiny(visit: Callable[..., Visit], page: Path) -> None:
    for width in (390, 1280):
        heights = visit(page, width=width).page.evaluate(
            "[...document.querySelectorAll('.chart text')].map((text) => text.getBoundingClientRect().height)"
        )
        assert min(heights) > 9, width


def test_classes_are_sorted_by_each_column_and_undefined_ones_stay_last(
    visit: Callable[..., Visit], page: Path
) -> None:
    made = visit(page)
    assert _names(made)[0] == "kite"
    _sort_by(made, "AP")  # it was ascending
    assert _names(made)[0] == "person"
    assert _names(made)[-1] == "unseen"
    _sort_by(made, "AP")
    assert _names(made)[0] == "kite"
    assert _names(made)[-1] == "unseen"
    _sort_by(made, "Class")
    assert _names(made)[1:4] == ["bench", "bicycle", "car"]
    _sort_by(made, "Objects")
    counts = made.page.locator("#class-table tbody tr td:nth-last-child(3)").all_inner_texts()
    values = [int(count.replace("\u202f", "")) for count in counts]
    assert values == sorted(values, reverse=True)
    assert made.page.locator("#class-table [aria-sort]").count() == 1
    assert made.page.locator("#class-table [aria-sort='descending']").inner_text().startswith("Objects")


def test_of_many_classes_the_first_are_shown_then_all_and_a_name_finds_any(
    visit: Callable[..., Visit], large: Path
) -> None:
    made = visit(large)
    assert len(_names(made)) == 20
    made.page.locator("#class-text").focus()
    made.page.keyboard.type("class 49")
    assert len(_names(made)) == 11  # 49 and 490 to 499
    assert made.page.locator("#class-count").inner_text() == "11 of 500 classes"
    made.page.locator("#class-text").fill("nowhere to be found")
    assert made.page.locator("#no-class").is_visible()
    made.page.locator("#class-text").fill("")
    made.page.locator("#all-classes").focus()
    made.page.keyboard.press("Enter")
    assert len(_names(made)) == 500
    _sort_by(made, "Class")
    assert _names(made)[:3] == ["class 0", "class 1", "class 2"]
    made.page.locator("#all-classes").click()
    assert _names(made) == [f"class {place}" for place in range(20)]
    assert made.complaints == []


def test_a_curve_tells_its_values_beside_the_pointer(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page, reduced_motion="reduce")
    chart = made.page.locator("#scores svg.chart").nth(1)
    chart.scroll_into_view_if_needed()
    made.page.wait_for_timeout(100)
    box = chart.bounding_box()
    assert box is not None
    made.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = made.page.locator("#tip")
    tip.wait_for(state="visible")
    assert [line.split(" ")[0] for line in tip.inner_text().split("\n")] == ["threshold", "precision", "recall", "F1"]


def test_figures_open_and_pictures_are_turned_over_with_the_keyboard(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    figures = made.page.locator(".figures-table").first
    figures.locator("summary").focus()
    made.page.keyboard.press("Enter")
    assert figures.locator("tbody tr").count() == 21
    made.page.locator(".shot").first.focus()
    made.page.keyboard.press("Enter")
    made.page.keyboard.press("ArrowRight")
    made.page.keyboard.press("ArrowRight")
    assert "000000000285.jpg" in made.page.locator("#viewer-caption").inner_text()
    made.page.keyboard.press("Escape")
    assert not made.page.locator("dialog").is_visible()


def test_without_scripts_everything_is_shown_and_no_dead_button(visit: Callable[..., Visit], large: Path) -> None:
    made = visit(large, java_script_enabled=False)
    assert len(_names(made)) == 500
    assert made.page.locator(".needs-script, #class-table button").filter(visible=True).count() == 0
