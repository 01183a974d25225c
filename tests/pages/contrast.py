"""Whether text can be read, for tests that open a page."""

from __future__ import annotations

from playwright.sync_api import Page


def lowest_contrast(page: Page, selector: str) -> float:
    """The lowest contrast between text and ground (WCAG 2, 1.4.3) of the elements, whatever CSS calls the colours."""
    return page.evaluate(
        """(selector) => {
          const pen = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
          const light = (colour) => {
            pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((value) => {
              const part = value / 255;
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = (element) => {
            for (let at = element; at; at = at.parentElement) {
              const colour = getComputedStyle(at).backgroundColor;
              if (!/rgba\\(.*, 0\\)|transparent/.test(colour)) return colour;
            }
            return "white";
          };
          const lowest = [...document.querySelectorAll(selector)].map((element) => {
            const style = getComputedStyle(element);
            const ink = element instanceof SVGElement ? style.fill : style.color;
            const [dark, bright] = [light(ink), light(ground(element))].sort((a, b) => a - b);
            return (bright + 0.05) / (dark + 0.05);
          });
          return Math.min(...lowest);
        }""",
        selector,
    )
