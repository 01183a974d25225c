"""The page's web server: on this machine only, a thread for each connection."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from sparseinst.log import get_logger
from sparseinst.serving.demo.endpoint import Endpoint
from sparseinst.serving.demo.handler import PageHandler
from sparseinst.serving.demo.samples import Sample
from sparseinst.serving.stack.ports import HOST, require_free

log = get_logger("demo")


class DemoServer(ThreadingHTTPServer):
    """Listens when it is made; `serve_forever` answers."""

    daemon_threads = True  # a browser keeps its connections open; they do not keep the command from ending

    def __init__(self, endpoint: Endpoint, samples: Sequence[Sample], port: int = 0) -> None:
        """Args:
        endpoint: What the page asks.
        samples: Pictures that it offers.
        port: 0 for a free one.

        Raises:
            StackError: The port is taken.
        """
        if port:
            require_free(port, "the page", "--port")
        self.endpoint = endpoint
        self.listed: list[dict[str, str]] = []
        self.pictures: dict[str, tuple[str, Callable[[], bytes]]] = {}
        for number, sample in enumerate(samples):
            entry = {"name": sample.name, "picture": f"/samples/{number}", "thumbnail": f"/thumbnails/{number}"}
            self.listed.append(entry)
            self.pictures[entry["picture"]] = sample.kind, sample.content
            self.pictures[entry["thumbnail"]] = "image/jpeg", sample.thumbnail
        super().__init__((HOST, port), PageHandler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own asks the network for this machine's name
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a browser that went away is no error
            log.exception("a request failed")

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}/"
