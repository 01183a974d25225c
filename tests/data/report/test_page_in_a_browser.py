"""The report as a browser shows it: nothing is asked of the network, nothing goes wrong, everything can be used."""

from __future__ import annotations

import pytest

from sparseinst.data.report.page import write_report
from tests.data.report.example import CLASSES, SCRIPT, findings, pictures, splits
from tests.pages.contrast import lowest_contrast

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    tables = splits()
    write_report(path, title=SCRIPT, categories=CLASSES, splits=tables, findings=findings(), gallery=pictures(tables))
    return path


def _shown(page, selector):
    return page.locator(selector).filter(visible=True).count()


def test_the_page_opens_without_a_complaint_and_asks_for_nothing_but_itself(visit, report):
    made = visit(report)
    assert made.complaints == []
    assert [address for address in made.requests if not address.startswith("data:")] == [report.resolve().as_uri()]


def test_every_picture_can_be_seen(visit, report):
    page = visit(report).page
    widths = "Promise.all([...document.images].map((image) => image.decode().then(() => image.naturalWidth)))"
    assert page.evaluate(widths) == [480] * 4
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    assert page.locator("svg.chart").count() == 6


def test_names_with_scripts_in_them_do_nothing(visit, report):
    made = visit(report)
    for target in made.page.locator(".bars th, .file, .hit").filter(visible=True).all()[:60]:
        target.dispatch_event("mouseover")
        target.dispatch_event("focus")
    made.page.locator(".group summary").first.click()
    assert made.page.evaluate("window.taken") is None
    assert made.page.title().startswith(SCRIPT)
    assert made.page.locator("h1").inner_text() == SCRIPT
    assert made.complaints == []


def test_even_a_script_in_the_page_could_not_speak_to_the_network(visit, report):
    page = visit(report).page
    refused = page.evaluate(
        """async () => {
          const refused = [];
          addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
          await fetch("http://127.0.0.1:9/").catch(() => {});
          document.body.append(Object.assign(new Image(), {src: "http://127.0.0.1:9/x.png"}));
          await new Promise((done) => setTimeout(done, 100));
          return refused.sort();
        }"""
    )
    assert refused == ["connect-src", "img-src"]


def test_pictures_are_enlarged_and_turned_over_with_the_keyboard_alone(visit, report):
    page = visit(report).page
    viewer, caption = page.locator("#viewer"), page.locator("#viewer-caption")
    page.locator(".shot").first.focus()
    page.keyboard.press("Enter")
    assert viewer.is_visible()
    assert "1 of 4" in caption.inner_text()
    page.keyboard.press("ArrowRight")
    assert "2 of 4" in caption.inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "4 of 4" in caption.inner_text()
    assert page.evaluate("document.querySelector('#frame img').naturalWidth") == 480
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert page.evaluate("[...document.querySelectorAll('.shot')].indexOf(document.activeElement)") == 3


def test_a_click_beside_the_picture_closes_it(visit, report):
    page = visit(report).page
    page.locator(".shot").nth(1).click()
    page.locator("#next").click()
    assert "3 of 4" in page.locator("#viewer-caption").inner_text()
    page.mouse.click(5, 5)
    assert not page.locator("#viewer").is_visible()


def test_the_tail_of_the_classes_can_be_shown_and_bars_be_logarithmic(visit, report):
    page = visit(report, reduced_motion="reduce").page
    assert _shown(page, ".bars tbody tr") == 30
    page.locator("#all-classes").click()
    assert _shown(page, ".bars tbody tr") == len(CLASSES)
    assert page.locator("#all-classes").inner_text() == "Show the first 30"
    bar = page.locator(".bar.s0").nth(20)
    before = bar.bounding_box()["width"]
    page.get_by_role("button", name="logarithmic").click()
    assert bar.bounding_box()["width"] != before
    assert page.get_by_role("button", name="linear", exact=True).get_attribute("aria-pressed") == "false"


def test_a_bar_says_what_it_holds(visit, report):
    page = visit(report, reduced_motion="reduce").page
    page.locator("#objects").scroll_into_view_if_needed()
    page.wait_for_timeout(100)
    page.locator(".hit").nth(12).hover()
    tip = page.locator("#tip")
    tip.wait_for(state="visible")
    assert "train: " in tip.inner_text()


def test_findings_can_be_filtered_by_severity_and_by_text(visit, report):
    page = visit(report).page
    assert _shown(page, ".group") == 3
    page.locator("input[value=error]").uncheck(force=True)
    assert page.locator(".group:not([hidden]) summary code").all_inner_texts() == ["IMG-TWICE", "CAT-GAP"]
    page.locator("#finding-text").fill("GAP after")
    assert page.locator(".group:not([hidden]) summary code").all_inner_texts() == ["CAT-GAP"]
    assert page.locator("#finding-count").inner_text() == "1 of 3 kinds"
    page.locator("#finding-text").fill("nowhere to be found")
    assert page.locator("#no-match").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(visit, report, scheme):
    page = visit(report, color_scheme=scheme).page
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(18, 19, 22)") == (scheme == "dark")
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    text = "h1, h2, h3, p, dt, dd, th, td, summary, .badge, .of, .chips span, nav a, button, code, .chart text"
    assert lowest_contrast(page, text) >= 4.5


@pytest.mark.parametrize("width", [320, 390, 700, 1000])
def test_nothing_sticks_out_on_small_screens(visit, report, width):
    page = visit(report, width=width, color_scheme="dark").page
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_scripts_everything_is_shown_and_no_dead_button(visit, report):
    page = visit(report, java_script_enabled=False).page
    assert _shown(page, ".bars tbody tr") == len(CLASSES)
    assert _shown(page, ".needs-script") == 0
    assert _shown(page, ".group") == 3
