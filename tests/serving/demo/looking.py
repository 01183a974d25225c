"""What the demo page shows, for tests that look at it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from sparseinst.imaging.write import encode_image


def png(pixels: NDArray[np.uint8], name: str = "picture.png") -> dict[str, Any]:
    """A file as playwright gives it to a page, of pixels uint8 [H, W, 3]."""
    return {"name": name, "mimeType": "image/png", "buffer": encode_image(pixels, ".png")}


def grey(height: int, width: int, level: int = 120) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def show(page: Page, file: dict[str, Any]) -> None:
    """Chooses a picture, and waits for the masks."""
    page.locator("#input").set_input_files(file)
    page.wait_for_selector('[data-state="answered"][aria-busy="false"]')


def drop(page: Page, file: dict[str, Any]) -> None:
    """Lets a file fall on the page."""
    transfer = page.evaluate_handle(
        """([name, type, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name, {type}));
          return transfer;
        }""",
        [file["name"], file["mimeType"], list(file["buffer"])],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": transfer})


def pixel(page: Page, x: float, y: float) -> list[int]:
    """The colour on the canvas at a place, in parts of its width and height."""
    return page.evaluate(
        """([x, y]) => {
          const canvas = document.getElementById("canvas");
          const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          pen.drawImage(canvas, -Math.floor(x * canvas.width), -Math.floor(y * canvas.height));
          return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        [x, y],
    )


def rows(page: Page) -> list[str]:
    """The objects that are listed, as "class score"."""
    listed = page.locator("#list li:visible")
    return [f"{row.locator('bdi').inner_text()} {row.locator('b').inner_text()}" for row in listed.all()]


def focused(page: Page) -> str:
    """What the keyboard is on: an id, or the text of an element."""
    return page.evaluate("document.activeElement.id || document.activeElement.textContent")


def wait_for_text(page: Page, part: str, text: str) -> None:
    """Until the element of that id says it. The page's policy lets no script of a test be polled."""
    page.locator(f"#{part}").filter(has_text=text).wait_for(state="visible")
