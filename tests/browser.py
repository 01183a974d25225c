"""A headless Chromium for tests that open a page: import the fixture `visit` in the folder's conftest.py.

The browser is the machine's own (chromium, chromium-browser, google-chrome, or what SPARSEINST_BROWSER names);
playwright only speaks to it, so nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages.contrast import lowest_contrast

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",  # containers run as root, where Chromium's own sandbox cannot start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Visit:
    """An open page, and what it did: everything it said to the console, and every address it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open_all(self) -> None:
        """Opens every part of the page that can be folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")

    def assert_readable(self, scheme: str, selector: str) -> None:
        """The page follows the theme, "light" or "dark", and what the selector names stands out from its ground."""
        self.open_all()
        ground = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(18, 19, 22)") == (scheme == "dark")
        assert lowest_contrast(self.page, selector) >= 4.5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    wanted = os.environ.get("SPARSEINST_BROWSER")
    program = shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip(f"needs a browser: {wanted or ', '.join(_NAMES)}; or set SPARSEINST_BROWSER to one")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens a file or an address in a window of its own; options are playwright's, e.g. `color_scheme="dark"`."""
    contexts = []

    def open_page(place: Path | str, *, width: int = 1280, height: int = 900, **options: object) -> Visit:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        made = Visit(contexts[-1].new_page())
        made.page.on("console", lambda message: made.complaints.append(f"{message.type}: {message.text}"))
        made.page.on("pageerror", lambda error: made.complaints.append(f"error: {error}"))
        made.page.on("requestfailed", lambda request: made.complaints.append(f"failed: {request.url[:80]}"))
        made.page.on("dialog", lambda dialog: (made.complaints.append(f"alert: {dialog.message}"), dialog.dismiss()))
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.goto(place.resolve().as_uri() if isinstance(place, Path) else place)
        return made

    yield open_page
    for context in contexts:
        context.close()
