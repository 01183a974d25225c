"""Answers one request to the page's server: its files, its samples, and a picture for the endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sparseinst.errors import ConfigError, DatasetError, SparseInstError
from sparseinst.imaging.palette import colour
from sparseinst.log import get_logger
from sparseinst.serving.demo.endpoint import LEAST_SCORE, MOST_OBJECTS
from sparseinst.serving.demo.guard import Refused, body_bytes, require_own_host, require_same_origin
from sparseinst.serving.front_door.picture import MOST_BYTES

if TYPE_CHECKING:
    from sparseinst.serving.demo.server import DemoServer

log = get_logger("demo")

_SCRIPT = "text/javascript; charset=utf-8"
_STYLE = "text/css; charset=utf-8"
_PAGE = "sparseinst.serving.demo.page"

# All that there is, by address: package, file, media type. Nothing else of the disk can be asked for.
_FILES = {
    "/": (_PAGE, "page.html", "text/html; charset=utf-8"),
    "/base.css": ("sparseinst.pages", "base.css", _STYLE),
    "/page.css": (_PAGE, "page.css", _STYLE),
    **{
        f"/{name}.js": (_PAGE, f"{name}.js", _SCRIPT)
        for name in ("page", "ask", "rle", "outline", "stage", "objects", "latency", "coco", "picking")
    },
}

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",  # another version of this project may serve at the same address tomorrow
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the browser."""

    kind: str
    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


class PageHandler(BaseHTTPRequestHandler):
    server: DemoServer
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a silent browser may hold a thread
    # Head and body go out as one, and at once: else TCP holds the body back for 40 ms, which the latency would show.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def version_string(self) -> str:
        return "sparseinst"

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses by itself: a method that is not above, or no HTTP at all."""
        self.close_connection = True
        self._send(_problem(HTTPStatus(code), f"{HTTPStatus(code).phrase}.", "Open the page in a browser."))

    def log_message(self, format: str, *args: Any) -> None:
        """A line for every request would bury the errors."""

    def _answer(self, reply: Callable[[], Reply]) -> None:
        try:
            self._send(reply())
        except Refused as refused:
            self.close_connection = True  # what the browser still sends is not read
            self._send(_problem(refused.status, refused.problem, refused.fix))
        except (ConnectionError, TimeoutError):  # the browser has gone
            self.close_connection = True

    def _get(self) -> Reply:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        require_own_host(self.headers)
        address = self.path.partition("?")[0]
        if address in _FILES:
            package, name, kind = _FILES[address]
            return Reply(kind, _read(package, name))
        if address == "/about":
            return _json(self._about())
        if address in self.server.pictures:
            kind, content = self.server.pictures[address]
            try:
                return Reply(kind, content())
            except (OSError, DatasetError):
                return _problem(HTTPStatus.NOT_FOUND, "The sample cannot be read.", "Choose another one.")
        if address == "/ask":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "Pictures come by POST.", "Use the page.")
        return _problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.", "Open the page itself: /.")

    def _post(self) -> Reply:
        length = body_bytes(self.headers)
        start = perf_counter()
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the browser went away while it sent")
        received = perf_counter()
        require_own_host(self.headers)
        require_same_origin(self.headers)
        if self.path.partition("?")[0] != "/ask":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "Pictures go to /ask.", "Use the page.")
        try:
            answer = self.server.endpoint.ask(body)
        except SparseInstError as error:
            return _failure(error)
        asked = perf_counter()
        timing = {"receive": received - start, "endpoint": asked - received}
        told = ", ".join(f"{name};dur={1000 * seconds:.2f}" for name, seconds in timing.items())
        return _json(answer, headers={"Server-Timing": told})

    def _about(self) -> dict[str, Any]:
        """What the page has to know; the model in service may be another one at each call."""
        endpoint = self.server.endpoint
        about = {
            "address": endpoint.address,
            "model": endpoint.model,
            "least_score": LEAST_SCORE,
            "largest_bytes": MOST_BYTES,
            "palette": ["#{:02x}{:02x}{:02x}".format(*colour(index)) for index in range(MOST_OBJECTS)],
            "samples": self.server.listed,
            "serving": None,
            "problem": None,
        }
        try:
            return about | {"serving": endpoint.describe()}
        except SparseInstError as error:
            return about | {"problem": _words(error)}

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {**_HEADERS, **reply.headers, "Content-Type": reply.kind, "Content-Length": str(len(reply.body))}
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)


@cache
def _read(package: str, name: str) -> bytes:
    return files(package).joinpath(name).read_bytes()


def _json(value: Any, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply("application/json", json.dumps(value).encode(), status, headers or {})


def _problem(status: HTTPStatus, problem: str, fix: str) -> Reply:
    return _json({"problem": problem, "where": "", "fix": fix}, status)


def _failure(error: SparseInstError) -> Reply:
    """What is wrong with the picture, or with the endpoint; the same picture may work there later.

    The page asked rightly, so the status is 200: browsers log every other one as an error of the page.
    """
    is_of_the_picture = isinstance(error, ConfigError | DatasetError)
    if not is_of_the_picture:
        log.warning("%s", error.problem)
    return _json({**_words(error), "can_retry": not is_of_the_picture})


def _words(error: SparseInstError) -> dict[str, str]:
    return {"problem": error.problem, "where": error.where, "fix": error.fix}
