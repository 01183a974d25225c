"""A run's page as a browser shows it: nothing is asked of the network, nothing goes wrong, it fits every screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sparseinst.imaging.write import encode_image
from sparseinst.training.report.page import write_train_report
from tests.browser import Visit
from tests.training.report.test_page import NASTY, SUMMARY, write_run

pytestmark = pytest.mark.browser


@pytest.fixture
def page(tmp_path: Path) -> Path:
    pixels = np.tile(np.linspace(0, 255, 300, dtype=np.uint8)[None, :, None], (90, 1, 3))
    summary = replace(SUMMARY, pictures=[(NASTY, encode_image(pixels, ".jpg"))])
    return write_train_report(write_run(tmp_path, steps=2000), summary)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_a_complaint_and_asks_for_nothing(
    visit: Callable[..., Visit], page: Path, scheme: str
) -> None:
    made = visit(page, color_scheme=scheme)
    assert made.complaints == []
    assert [address for address in made.requests if not address.startswith("data:")] == [page.resolve().as_uri()]
    assert made.page.locator("svg.chart").filter(visible=True).count() == 9
    ground = made.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark")


def test_nothing_is_wider_than_a_telephone(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page, width=390, height=800)
    assert made.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_chart_tells_its_values_beside_the_pointer(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    chart = made.page.locator("svg.chart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    made.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = made.page.locator("#tip")
    assert tip.is_visible()
    assert "iteration" in tip.inner_text()
    assert "smoothed" in tip.inner_text()


def test_a_picture_can_be_enlarged_with_the_keyboard(visit: Callable[..., Visit], page: Path) -> None:
    made = visit(page)
    made.page.locator(".shot").first.focus()
    made.page.keyboard.press("Enter")
    assert made.page.locator("dialog").is_visible()
    made.page.keyboard.press("Escape")
    assert not made.page.locator("dialog").is_visible()
    assert made.complaints == []
