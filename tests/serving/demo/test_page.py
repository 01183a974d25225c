"""The demo page in a browser: what was found is drawn, filtered, listed and copied; whatever comes in, it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sparseinst.errors import ConfigError, StackError
from sparseinst.imaging.palette import colour
from sparseinst.imaging.read import read_image
from sparseinst.masks.coco import mask_to_rle
from sparseinst.serving.demo.samples import drawn_samples
from sparseinst.serving.demo.server import DemoServer
from tests.browser import Visit
from tests.serving.demo.looking import drop, focused, grey, pixel, png, rows, show, wait_for_text
from tests.serving.demo.stub import StubEndpoint, answer, serving

pytestmark = pytest.mark.browser

NASTY = '<img src=x onerror="window.taken=1"><script>window.taken=1</script>&amp;'
TEXT = "h1, h2, p, dt, dd, dd span, label, output, .badge, .button, .chip, .row bdi, .row small, .row b, code, pre, bdi"
HEIGHT, WIDTH = 80, 160


def _box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


RING = _box(100, 20, 150, 70) & ~_box(115, 35, 135, 55)
FOUND = answer([_box(10, 10, 70, 70), RING, _box(80, 0, 90, 80)], [0.9, 0.5, 0.1], ["plate", "ring", "post"])


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with serving(StubEndpoint(FOUND), drawn_samples(["disc", "triangle", "cross", "ring"])) as made:
        yield made


@pytest.fixture
def endpoint(server: DemoServer) -> StubEndpoint:
    assert isinstance(server.endpoint, StubEndpoint)
    server.endpoint.says = FOUND
    return server.endpoint


@pytest.fixture
def opened(visit: Callable[..., Visit], server: DemoServer, endpoint: StubEndpoint) -> Callable[..., Visit]:
    def open_it(**options: object) -> Visit:
        made = visit(server.url, **options)
        made.page.wait_for_selector("#try:visible")
        return made

    return open_it


def _tinted(level: int, index: int) -> list[float]:
    return [0.58 * level + 0.42 * part for part in colour(index)]


def test_masks_are_drawn_where_they_are_and_holes_are_left_out(opened: Callable[..., Visit]) -> None:
    page = opened().page
    show(page, png(grey(HEIGHT, WIDTH)))
    for x, y, expected in (
        (20, 60, _tinted(120, 0)),
        (105, 62, _tinted(120, 1)),
        (125, 45, [120] * 3),  # the hole
        (75, 40, [120] * 3),
        (85, 40, [120] * 3),  # the post's score is below the threshold
    ):
        assert pixel(page, x / WIDTH, y / HEIGHT) == pytest.approx(expected, abs=3), (x, y)
    assert rows(page) == ["plate 0.90", "ring 0.50"]
    assert page.locator("#count").inner_text() == "2 objects"


def test_run_lengths_and_outlines_hold_exactly_the_masks_pixels(opened: Callable[..., Visit]) -> None:
    generator = np.random.default_rng(5)
    masks = [generator.random(size) < share for size in ((1, 1), (9, 4), (37, 23)) for share in (0.1, 0.5, 0.9)]
    masks += [np.zeros((7, 5), bool), np.ones((7, 5), bool), RING]
    found = opened().page.evaluate(
        """async (rles) => {
          const { cellsOf } = await import("/rle.js");
          const { outlineOf } = await import("/outline.js");
          const pen = new OffscreenCanvas(1, 1).getContext("2d");
          return rles.map((rle) => {
            const [height, width] = rle.size;
            const mask = cellsOf(rle, width, height);
            const path = outlineOf(mask);
            const [cells, inside] = [[], []];
            for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
              const [column, row] = [x - mask.left, y - mask.top];
              const within = column >= 0 && row >= 0 && column < mask.width && row < mask.height;
              cells.push(within ? mask.cells[row * mask.width + column] : 0);
              inside.push(Number(pen.isPointInPath(path, x + 0.5, y + 0.5, "evenodd")));
            }
            return [cells, inside];
          });
        }""",
        [mask_to_rle(mask) for mask in masks],
    )
    for mask, (cells, inside) in zip(masks, found, strict=True):
        assert np.array_equal(np.reshape(cells, mask.shape), mask)
        assert np.array_equal(np.reshape(inside, mask.shape), mask)


def test_damaged_run_lengths_are_refused(opened: Callable[..., Visit]) -> None:
    refusals = opened().page.evaluate(
        """async (texts) => {
          const { cellsOf } = await import("/rle.js");
          return texts.map((counts) => {
            try { return cellsOf({ size: [2, 2], counts }, 2, 2); } catch (error) { return error.message; }
          });
        }""",
        ["\x7f", "0P", "05", "PPPPPPPPP1", "0O1", ""],
    )
    assert all(isinstance(refusal, str) for refusal in refusals), refusals


def test_the_slider_filters_by_key_and_says_when_nothing_is_left(opened: Callable[..., Visit]) -> None:
    page = opened().page
    show(page, png(grey(HEIGHT, WIDTH)))
    page.locator("#slider").focus()
    page.keyboard.press("Home")
    assert rows(page) == ["plate 0.90", "ring 0.50", "post 0.10"]
    assert pixel(page, 85 / WIDTH, 0.9) == pytest.approx(_tinted(120, 2), abs=3)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert page.locator("#threshold").inner_text() == "0.11"
    assert rows(page) == ["plate 0.90", "ring 0.50"]
    assert pixel(page, 85 / WIDTH, 0.9) == [120, 120, 120]
    page.keyboard.press("End")
    assert rows(page) == []
    assert page.locator("#note").inner_text().startswith("Nothing is shown: 3 objects")


def test_a_class_is_left_out_and_comes_back(opened: Callable[..., Visit]) -> None:
    page = opened().page
    show(page, png(grey(HEIGHT, WIDTH)))
    chip = page.locator(".chip", has_text="plate")
    chip.focus()
    page.keyboard.press("Enter")
    assert rows(page) == ["ring 0.50"]
    assert chip.get_attribute("aria-pressed") == "false"
    assert focused(page) == "plate1"
    page.keyboard.press("Space")
    assert rows(page) == ["plate 0.90", "ring 0.50"]


def test_looking_at_a_row_brings_out_its_mask_and_the_other_way_round(opened: Callable[..., Visit]) -> None:
    page = opened().page
    show(page, png(grey(HEIGHT, WIDTH)))
    plate, ring = (20 / WIDTH, 60 / HEIGHT), (105 / WIDTH, 62 / HEIGHT)
    before = pixel(page, *plate), pixel(page, *ring)
    page.locator(".row").first.hover()
    far = abs(np.subtract(pixel(page, *plate), 120)).sum()
    assert far > abs(np.subtract(before[0], 120)).sum()
    assert abs(np.subtract(pixel(page, *ring), 120)).sum() < 0.5 * abs(np.subtract(before[1], 120)).sum()
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + ring[0] * box["width"], box["y"] + ring[1] * box["height"])
    assert page.locator(".row.lit bdi").all_inner_texts() == ["ring"]
    page.mouse.move(box["x"] + 125 / WIDTH * box["width"], box["y"] + 45 / HEIGHT * box["height"])  # its hole
    assert page.locator(".row.lit").count() == 0
    assert pixel(page, *plate) == before[0]


def test_everything_can_be_reached_with_the_keyboard(opened: Callable[..., Visit]) -> None:
    made = opened()
    page = made.page
    page.on("filechooser", lambda chooser: chooser.set_files(png(grey(HEIGHT, WIDTH))))
    page.keyboard.press("Tab")
    assert focused(page) == "Choose a picture"
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-state="answered"]')
    page.keyboard.press("Tab")
    stops = [focused(page)]
    while stops[-1] != "sample" and len(stops) < 12:
        page.keyboard.press("Tab")
        stops.append(focused(page) if page.locator(".sample:focus").count() == 0 else "sample")
    # One stop for the list, whatever its length.
    assert stops == ["Another picture", "save", "slider", "plate1", "ring1", "plate28 %0.90", "sample"]
    page.locator("#slider").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.locator(".row.lit bdi").inner_text() == "plate"
    page.keyboard.press("ArrowDown")
    assert page.locator(".row.lit bdi").inner_text() == "ring"
    page.keyboard.press("ArrowDown")  # the last one that is shown
    assert page.locator(".row.lit bdi").inner_text() == "ring"
    page.keyboard.press("Home")
    assert page.locator(".row.lit bdi").inner_text() == "plate"
    page.keyboard.press("Escape")
    assert page.locator(".row.lit").count() == 0
    page.locator(".sample").nth(1).focus()
    page.keyboard.press("Enter")
    wait_for_text(page, "file", "shapes 2.png")
    assert made.complaints == []


def test_a_dropped_and_a_pasted_picture_are_asked_about_as_they_are(
    opened: Callable[..., Visit], endpoint: StubEndpoint
) -> None:
    made = opened()
    page = made.page
    dropped = png(grey(HEIGHT, WIDTH, 90), "dropped.png")
    drop(page, dropped)
    page.wait_for_selector('[data-state="answered"]')
    assert endpoint.asked[-1] == dropped["buffer"]
    assert page.locator("#file").inner_text() == "dropped.png"
    assert "dragging" not in page.locator("body").get_attribute("class")
    pasted = png(grey(HEIGHT, WIDTH, 200), "pasted.png")
    page.evaluate(
        """(bytes) => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([new Uint8Array(bytes)], "pasted.png", {type: "image/png"}));
          dispatchEvent(new ClipboardEvent("paste", {clipboardData, cancelable: true}));
        }""",
        list(pasted["buffer"]),
    )
    wait_for_text(page, "file", "pasted.png")
    page.wait_for_selector('[data-state="answered"]')
    assert endpoint.asked[-1] == pasted["buffer"]
    assert pixel(page, 0.01, 0.01) == [200, 200, 200]
    assert made.complaints == []


def test_what_is_refused_is_told_with_its_fix_and_the_page_goes_on(
    opened: Callable[..., Visit], endpoint: StubEndpoint
) -> None:
    page = opened().page
    endpoint.says = ConfigError("It is no picture.", fix="Send a JPEG.")
    page.locator("#input").set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    problem = page.locator("#problem")
    problem.wait_for(state="visible")
    assert problem.inner_text().split("\n")[0].startswith("It is no picture. Send a JPEG. x.jpg")
    assert problem.get_attribute("role") == "alert"
    assert not page.locator("#retry").is_visible()
    assert page.locator(".choose:visible").inner_text() == "Choose a picture"
    endpoint.says = FOUND
    show(page, png(grey(HEIGHT, WIDTH)))
    assert not problem.is_visible()
    assert len(rows(page)) == 2


def test_an_endpoint_that_is_away_is_told_and_the_same_picture_asked_again(
    opened: Callable[..., Visit], endpoint: StubEndpoint
) -> None:
    page = opened().page
    endpoint.says = StackError("No Triton server answers there.", fix="Start it.")
    page.locator("#input").set_input_files(png(grey(HEIGHT, WIDTH), "again.png"))
    page.locator("#retry").wait_for(state="visible")
    assert "No Triton server answers there. Start it." in page.locator("#problem").inner_text()
    wait_for_text(page, "state", "does not answer")
    endpoint.says = FOUND
    page.locator("#retry").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-state="answered"]')
    assert endpoint.asked[-1] == endpoint.asked[-2]
    assert page.locator("#file").inner_text() == "again.png"
    assert not page.locator("#problem").is_visible()


def test_an_endpoint_that_is_away_from_the_start_is_told_at_once(
    visit: Callable[..., Visit], server: DemoServer, endpoint: StubEndpoint
) -> None:
    endpoint.says = StackError("No Triton server answers there.", fix="Start it.")
    page = visit(server.url).page
    page.locator("#retry").wait_for(state="visible")
    endpoint.says = FOUND
    page.locator("#retry").click()
    wait_for_text(page, "state", "serves")
    assert not page.locator("#problem").is_visible()


def test_a_page_whose_own_server_has_ended_says_so_and_does_not_storm_it(opened: Callable[..., Visit]) -> None:
    made = opened()
    made.page.route("**/*", lambda route: route.abort())
    before = len(made.requests)
    made.page.locator("#input").set_input_files(png(grey(HEIGHT, WIDTH)))
    made.page.locator("#retry").wait_for(state="visible")
    made.page.wait_for_timeout(200)
    assert made.page.locator("#what").inner_text() == "The page's own server has ended."
    assert len(made.requests) <= before + 2
    made.page.unroute("**/*")
    made.page.locator("#retry").click()
    made.page.wait_for_selector('[data-state="answered"]')
    assert made.page.locator("#state").inner_text() == "serves"


def test_the_json_that_is_copied_is_the_answer_or_what_is_shown_of_it(opened: Callable[..., Visit]) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"]).page
    show(page, png(grey(HEIGHT, WIDTH)))
    page.locator(".coco summary").click()
    page.locator("#copy").click()
    wait_for_text(page, "copied", "Copied.")
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == FOUND
    page.locator("#only").check()
    assert json.loads(page.locator("#json").inner_text()) == FOUND | {"annotations": FOUND["annotations"][:2]}
    with page.expect_download() as download:
        page.locator("#download").click()
    assert download.value.suggested_filename == "picture.json"
    assert len(json.loads(Path(download.value.path()).read_text())["annotations"]) == 2


def test_the_saved_picture_shows_the_masks(opened: Callable[..., Visit]) -> None:
    page = opened().page
    show(page, png(grey(HEIGHT, WIDTH), "street.old.png"))
    with page.expect_download() as download:
        page.locator("#save").click()
    assert download.value.suggested_filename == "street.old_objects.png"
    saved = read_image(Path(download.value.path()))
    assert saved.shape == (480, 960, 3)
    assert saved[360, 120].tolist() == pytest.approx(_tinted(120, 0), abs=3)
    assert saved[240, 450].tolist() == [120, 120, 120]


def test_it_says_who_answered_and_where_the_time_went_and_asks_nobody_else(
    opened: Callable[..., Visit], server: DemoServer
) -> None:
    made = opened()
    page = made.page
    show(page, png(grey(HEIGHT, WIDTH)))
    wait_for_text(page, "version", "7")
    assert page.locator("#answered").inner_text() == "shapes"
    assert page.locator("#fingerprint").inner_text() == "0123456789abcdef"
    assert page.locator("#checkpoint").inner_text() == "c" * 12
    told = dict(
        zip(page.locator("#parts dt").all_inner_texts(), page.locator("#parts dd").all_inner_texts(), strict=True)
    )
    assert list(told) == ["Upload", "Transfer", "Decode", "Resize", "Model", "Masks", "Drawing"]
    assert (told["Decode"], told["Resize"], told["Model"], told["Masks"]) == ("3.0 ms", "2.0 ms", "20 ms", "5.0 ms")
    assert page.locator("#bar .piece").count() == 7
    made.open_all()
    foreign = [address for address in made.requests if not address.startswith((server.url, "data:", "blob:"))]
    assert foreign == []
    assert made.complaints == []


def test_a_picture_of_twelve_megapixels_is_shown(opened: Callable[..., Visit], endpoint: StubEndpoint) -> None:
    mask = np.zeros((3000, 4000), bool)
    mask[1000:2000, 500:3500] = True
    endpoint.says = answer([mask], [0.8], ["wide"])
    page = opened().page
    show(page, png(grey(3000, 4000)))
    assert page.locator("#size").inner_text() == "4000 × 3000"
    assert pixel(page, 0.2, 0.4) == pytest.approx(_tinted(120, 0), abs=3)
    assert pixel(page, 0.2, 0.3) == [120, 120, 120]


def test_a_picture_that_only_the_endpoint_can_read_gets_its_masks_on_grey(opened: Callable[..., Visit]) -> None:
    page = opened().page
    show(page, {"name": "scan.tif", "mimeType": "image/tiff", "buffer": b"II*\0 not for browsers"})
    assert page.locator("#size").inner_text() == "160 × 80, of a kind that only the endpoint can show"
    assert len(rows(page)) == 2


def test_nothing_found_is_told(opened: Callable[..., Visit], endpoint: StubEndpoint) -> None:
    endpoint.says = FOUND | {"annotations": []}
    page = opened().page
    show(page, png(grey(HEIGHT, WIDTH)))
    assert page.locator("#note").inner_text() == "The model found nothing in this picture."


def test_names_with_scripts_in_them_are_text(opened: Callable[..., Visit], endpoint: StubEndpoint) -> None:
    endpoint.says = FOUND | {"categories": [{"id": place, "name": NASTY} for place in (10, 20, 30)]}
    endpoint.says["model"] = FOUND["model"] | {"name": NASTY}
    made = opened()
    page = made.page
    show(page, png(grey(HEIGHT, WIDTH), f"{NASTY}.png".replace("/", "\\")))
    made.open_all()
    page.locator(".row").first.hover()
    assert page.locator(".row bdi").first.inner_text() == NASTY
    assert page.locator(".chip bdi").inner_text() == NASTY
    assert page.locator("#answered").inner_text() == NASTY
    assert page.locator("#file").inner_text().startswith("<img src=x")
    assert page.evaluate("window.taken") is None
    assert page.locator("main img[src='x'], main script").count() == 0
    endpoint.says = ConfigError(NASTY, fix=NASTY)
    page.locator("#input").set_input_files(png(grey(HEIGHT, WIDTH), f"{NASTY}.png".replace("/", "\\")))
    page.locator("#problem").wait_for(state="visible")
    assert page.locator("#what").inner_text() == NASTY
    assert page.evaluate("window.taken") is None
    assert made.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(opened: Callable[..., Visit], endpoint: StubEndpoint, scheme: str) -> None:
    made = opened(color_scheme=scheme)
    show(made.page, png(grey(HEIGHT, WIDTH)))
    made.page.locator(".chip").first.click()
    made.assert_readable(scheme, TEXT)
    endpoint.says = StackError("No Triton server answers there.", fix="Start it.")
    made.page.locator("#input").set_input_files(png(grey(HEIGHT, WIDTH)))
    made.page.locator("#retry").wait_for(state="visible")
    made.assert_readable(scheme, TEXT)


def test_nothing_sticks_out_on_small_screens(opened: Callable[..., Visit], endpoint: StubEndpoint) -> None:
    long = "a" * 80
    made = opened(color_scheme="dark")

    def assert_fits() -> None:
        for width in (320, 390, 700, 1000):
            made.page.set_viewport_size({"width": width, "height": 640})
            assert made.page.evaluate("document.documentElement.scrollWidth") == width

    assert_fits()
    endpoint.says = FOUND | {"categories": [{"id": place, "name": f"{long}{place}"} for place in (10, 20, 30)]}
    show(made.page, png(grey(HEIGHT, WIDTH), f"{long}.png"))
    made.open_all()
    assert_fits()
    box = made.page.locator("#canvas").bounding_box()
    assert box is not None and box["width"] == pytest.approx(2 * box["height"], rel=0.02)
    endpoint.says = StackError(long, fix=long)
    made.page.locator("#input").set_input_files(png(grey(HEIGHT, WIDTH), f"{long}.png"))
    made.page.locator("#retry").wait_for(state="visible")
    assert_fits()


def test_the_last_of_two_pictures_wins(opened: Callable[..., Visit], endpoint: StubEndpoint) -> None:
    page = opened().page
    page.locator("#input").set_input_files(png(grey(HEIGHT, WIDTH), "first.png"))
    show(page, png(grey(HEIGHT, WIDTH, 30), "second.png"))
    page.wait_for_timeout(100)
    assert page.locator("#file").inner_text() == "second.png"
    assert pixel(page, 0.01, 0.01) == [30, 30, 30]
