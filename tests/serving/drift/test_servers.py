"""A name that stands for several servers: each is asked, and told from the others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sparseinst.serving.drift.scrape import scrape
from sparseinst.serving.drift.servers import Endpoint, endpoints
from sparseinst.serving.drift.window import added

NAME = "sparseinst-triton-control"


@contextmanager
def triton(address: str, port: int, pictures: int) -> Iterator[tuple[int, list[str]]]:
    """A server that counted so many pictures: its port, and the Host of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            body = f'nv_cpu_utilization 0\nsparseinst_requests_total{{model="m"}} {pictures}\n'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    hosts: list[str] = []
    server = ThreadingHTTPServer((address, port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1], hosts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    """NAME has two addresses of this machine, and one of IPv6 that is the first one's as well; "nowhere" has none."""
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *arguments: object, **options: object) -> list[object]:
        if host == "nowhere":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host != NAME:
            return real(host, port, *arguments, **options)
        four = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.1", "127.0.0.2")]
        return [*four, (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_every_replica_behind_a_name_is_asked_once_and_under_that_name(resolves: None):
    with triton("127.0.0.1", 0, 3) as (port, first), triton("127.0.0.2", port, 4) as (_, second):
        found = list(endpoints([f"http://{NAME}:{port}/metrics"]))
        counts = added(scrape(server.url, host=server.host) for server in found)
    assert [server.url for server in found] == [f"http://127.0.0.{i}:{port}/metrics" for i in (1, 2)]
    assert list(counts.values()) == [7]
    assert first == second == [f"{NAME}:{port}"]


def test_addresses_and_https_and_unknown_names_stay_as_they_are(resolves: None):
    given = ["http://127.0.0.1:8002/metrics", "https://triton/metrics", "http://nowhere:8002/metrics"]
    assert [server.url for server in endpoints(given)] == given
    assert list(endpoints([])) == []
    assert list(endpoints(["http://[::1]:8002/metrics"])) == [Endpoint("http://[::1]:8002/metrics", "[::1]:8002")]
