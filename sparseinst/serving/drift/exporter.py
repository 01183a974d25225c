"""A small Prometheus exporter: looks again and again, and tells the last look to whoever asks."""

from __future__ import annotations

import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from sparseinst.closing import Closing
from sparseinst.errors import StackError
from sparseinst.log import get_logger
from sparseinst.serving.drift.exposition import CONTENT_TYPE, render
from sparseinst.serving.drift.gauges import gauges
from sparseinst.serving.drift.watch import Watch

log = get_logger("drift")


class Exporter(Closing):
    """Listens from when it is made; `run` looks until the process is told to end. To be used in `with`, or closed."""

    def __init__(self, watch: Watch, host: str, port: int) -> None:
        """Args:
        watch: What is exported.
        host: The address to listen at.
        port: 0 for a free one.

        Raises:
            StackError: It cannot listen there.
        """
        self._watch = watch
        self._told = ""
        try:
            self._server = _Server((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise StackError(
                f"The exporter cannot listen: {error}.",
                where=f"{host}:{port}",
                fix="Give another --port or --host, or end what has it (`ss -ltnp` shows it).",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://{_written(host)}:{self._server.server_address[1]}/metrics"

    def look(self) -> None:
        """Looks once; what went wrong is logged when it changes."""
        found, problems = self._watch.look()
        self._server.text = render(gauges(found, is_up=not problems))
        told = "\n".join(map(str, problems))
        if told != self._told:
            log.warning("%s", told) if told else log.info("all is well again")
        self._told = told

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()
        log.info("serves at %s", self.url)

    def run(self, every_s: float) -> None:
        """Answers, and looks every so many seconds, until an exception such as a signal's."""
        self.look()
        self.start()
        while True:
            time.sleep(every_s)
            self.look()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    text = ""

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own asks the network for this machine's name


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "sparseinst"
    sys_version = ""
    timeout = 10  # seconds that a silent client may hold a thread

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(HTTPStatus.NOT_FOUND, "Only /metrics is here")
            return
        body = self.server.text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A line for every scrape would bury what matters."""


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host
