"""A run's page as a browser shows it: nothing is asked of the network, nothing goes wrong, it fits every screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sparseinst.imaging.write import encode_image
from sparseinst.training.report.page import write_train_report
from sparseinst.training.report.summary import TrainSummary
from tests.browser import Visit
from tests.training.report.example import NASTY, SUMMARY, write_run

pytestmark = pytest.mark.browser

TEXT = "h1, h2, h3, p, dt, dd, th, td, summary, .badge, .of, .told li, nav a, code, .legend span, .chart text"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pixels = np.tile(np.linspace(0, 255, 300, dtype=np.uint8)[None, :, None], (90, 1, 3))
    pictures = [(name, encode_image(pixels, ".jpg")) for name in (NASTY, "second.jpg")]
    output = write_run(tmp_path_factory.mktemp("run"), steps=2000, wait=0.1)
    return write_train_report(output, replace(SUMMARY, title=NASTY, pictures=pictures))


def test_it_opens_without_a_complaint_and_asks_for_nothing(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    assert made.complaints == []
    assert [address for address in made.requests if not address.startswith("data:")] == [page.resolve().as_uri()]
    assert made.page.locator("svg.chart").filter(visible=True).count() == 9


def test_a_run_without_files_opens_as_well(visit: Callable[..., Visit], tmp_path: Path) -> None:
    made = visit(write_train_report(tmp_path, TrainSummary(title="new")), width=390)
    assert made.complaints == []
    assert made.page.locator(".none").count() == 9
    assert made.page.evaluate("document.documentElement.scrollWidth") == 390


def test_texts_with_scripts_in_them_do_nothing(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    made.open_all()
    for target in made.page.locator("bdi, td, .told li, .file").filter(visible=True).all()[:80]:
        target.dispatch_event("mouseover")
    assert made.page.evaluate("window.taken") is None
    assert made.page.locator("h1").inner_text().startswith("<script>")
    assert made.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(visit: Callable[..., Visit], page: Path, scheme: str) -> None:
    visit(page, color_scheme=scheme).assert_readable(scheme, TEXT)


@pytest.mark.parametrize("width", [320, 390, 700, 1000])
def test_nothing_sticks_out_on_small_screens(visit: Callable[..., Visit], page: Path, width: int) -> None:
    made = visit(page, width=width, color_scheme="dark")
    made.open_all()
    assert made.page.evaluate("document.documentElement.scrollWidth") == width


def test_text_in_charts_is_never_tiny(visit: Callable[..., Visit], page: Path) -> None:
    for width in (390, 1280):
        heights = visit(page, width=width).page.evaluate(
            "[...document.querySelectorAll('.chart text')].map((text) => text.getBoundingClientRect().height)"
        )
        assert min(heights) > 9, width


def test_a_chart_tells_its_values_beside_the_pointer(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page, reduced_motion="reduce")
    chart = made.page.locator("svg.chart").first
    chart.scroll_into_view_if_needed()
    made.page.wait_for_timeout(100)
    box = chart.bounding_box()
    assert box is not None
    made.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = made.page.locator("#tip")
    tip.wait_for(state="visible")
    said = tip.inner_text().split("\n")
    assert [line.split(" ")[0] for line in said] == ["iteration", "as", "smoothed:"]


def test_a_flag_says_what_happened(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page, reduced_motion="reduce")
    flag = made.page.locator(".event .hit").last
    flag.scroll_into_view_if_needed()
    made.page.wait_for_timeout(100)
    flag.hover(force=True)
    tip = made.page.locator("#tip")
    tip.wait_for(state="visible")
    assert tip.inner_text() == "stop, iteration 50"


def test_problems_and_figures_open_with_the_keyboard(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    problem = made.page.locator("#problems details").first
    assert not problem.locator("table").is_visible()
    problem.locator("summary").focus()
    made.page.keyboard.press("Enter")
    assert problem.locator("table").is_visible()
    figures = made.page.locator(".figures-table").first
    figures.locator("summary").focus()
    made.page.keyboard.press("Enter")
    assert figures.locator("tbody tr").count() == 24
    assert figures.is_visible()


def test_pictures_are_enlarged_and_turned_over_with_the_keyboard(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    made.page.locator(".shot").first.focus()
    made.page.keyboard.press("Enter")
    assert made.page.locator("dialog").is_visible()
    made.page.keyboard.press("ArrowRight")
    assert "second.jpg" in made.page.locator("#viewer-caption").inner_text()
    made.page.keyboard.press("Escape")
    assert not made.page.locator("dialog").is_visible()
    assert made.complaints == []
