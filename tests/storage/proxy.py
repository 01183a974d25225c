"""A proxy before a real S3 server that breaks what passes through it: busy answers, cut bodies, silence."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


class Proxy:
    """Passes requests on. Reads of objects are noted, and the next ones suffer what `faults` says, one each.

    A fault is a status to answer with in place of the server, "cut" (half of the body comes, then the connection
    ends) or "silence" (half of the body comes, then nothing).
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.faults: list[int | str] = []
        self.faults_of_lists: list[int | str] = []  # what the next lists of objects suffer
        self.read: list[str] = []  # the names of the objects that were asked for, without their folders
        self.answered = 0
        self.hold_after: int | None = None  # after so many whole objects the next ones wait
        self.waiting = 0  # so many wait
        self._go_on = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def release(self) -> None:
        self.hold_after = None
        self._go_on.set()

    def wait(self) -> None:
        with self.lock:
            self.waiting += 1
        self._go_on.wait()

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, owner: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed or lost its patience is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        self.close_connection = True
        is_read = self.command == "GET" and "list-type" not in self.path
        with owner.lock:
            faults = owner.faults if is_read else owner.faults_of_lists
            fault = faults.pop(0) if faults else ""
            if is_read:
                owner.read.append(unquote(urlsplit(self.path).path.rpartition("/")[2]))
        if isinstance(fault, int):
            self._answer(fault, {}, b"")
            return
        if is_read and owner.hold_after is not None and owner.answered >= owner.hold_after:
            owner.wait()
        upstream = http.client.HTTPConnection(owner.upstream.hostname or "", owner.upstream.port, timeout=30)
        try:
            upstream.request(self.command, self.path, headers=dict(self.headers))  # Host too: it is signed
            answer = upstream.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _OF_THE_LINE}
            body = answer.read()
            if self.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length", "0")
            self._answer(answer.status, headers, body, fault)
        finally:
            upstream.close()
        with owner.lock:
            owner.answered += is_read and not fault

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, headers: dict[str, str], body: bytes, fault: str = "") -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault else body)
        self.wfile.flush()
        if fault == "silence":
            self.connection.recv(1)  # until the client closes


_OF_THE_LINE = {"content-length", "transfer-encoding", "connection"}
