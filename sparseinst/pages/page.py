"""Makes a page: one HTML file with everything in it, which asks the network for nothing.

A page is a room of its own with page.html, page.css and page.js; base.html, base.css and base.js are what all pages
have, and parts.html is what they may use. Names and messages are the users' own, so all text is escaped, and the
Content-Security-Policy in base.html would not let a script of theirs speak to anyone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from sparseinst.files import write_bytes
from sparseinst.pages.words import number, percent


def render_page(room: str, filters: Mapping[str, Callable[..., Any]] | None = None, **values: Any) -> str:
    """The page as text; the same values give the same text.

    Args:
        room: The package that has page.html, page.css and page.js.
        filters: Further ones for the template, beside `number` and `percent`.
        values: What the template shows. base.html wants `title`.
    """
    environment = Environment(
        loader=FunctionLoader(lambda name: _asset(room if name.startswith("page.") else __package__, name)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, percent=percent, **(filters or {}))
    style, script = (_asset(__package__, f"base.{kind}") + _asset(room, f"page.{kind}") for kind in ("css", "js"))
    return environment.get_template("page.html").render(style=style, script=script, **values)


def write_page(path: Path, page: str) -> None:
    """Writes it, whole or not at all."""
    write_bytes(path, page.encode("utf-8", "replace"))  # JSON can hold halves of characters, UTF-8 cannot


def _asset(room: str, name: str) -> str:
    return files(room).joinpath(name).read_text(encoding="utf-8")
