"""A small web server on 127.0.0.1 that serves bytes from memory, and can be told to misbehave."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """One request, and what it was answered with."""

    path: str
    range: str | None
    status: int = 0
    sent: int = 0  # bytes of the body


class FileServer:
    """Serves `files` with ranges, strong ETags and If-Range, as a good server does, until told otherwise."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[Seen] = []
        self.statuses: list[int] = []  # what the next requests are answered with, in place of the file
        self.cuts: list[int] = []  # after how many bytes the next bodies end
        self.headers: dict[str, str] = {}  # sent with every answer
        self.etag: str | None = ""  # None: no ETag; empty: the content's hash
        self.ranges = True
        self.obeys_if_range = True
        self.hold_after: int | None = None  # the body stops there until `go_on` is set
        self.held, self.go_on = threading.Event(), threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def etag_of(self, content: bytes) -> str | None:
        return f'"{hashlib.sha256(content).hexdigest()[:16]}"' if self.etag == "" else self.etag

    def __enter__(self) -> FileServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them

    def __init__(self, owner: FileServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        seen = Seen(self.path, self.headers.get("Range"))
        owner.requests.append(seen)
        self.close_connection = True
        content = owner.files.get(self.path.partition("?")[0].lstrip("/"))
        if owner.statuses:
            self._answer(seen, owner.statuses.pop(0), b"not now")
        elif content is None:
            self._answer(seen, 404, b"nothing here")
        else:
            self._file(seen, content)

    def log_message(self, *_: object) -> None:
        pass

    def _file(self, seen: Seen, content: bytes) -> None:
        owner = self.server.owner
        etag = owner.etag_of(content)
        versions = (None, etag, owner.headers.get("Last-Modified"))
        current = not owner.obeys_if_range or self.headers.get("If-Range") in versions
        asked = re.fullmatch(r"bytes=(\d+)-", seen.range or "") if owner.ranges and current else None
        headers = {"ETag": etag} if etag else {}
        if asked is None:
            self._answer(seen, 200, content, headers)
        elif (start := int(asked[1])) >= len(content):
            self._answer(seen, 416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"})
        else:
            span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self._answer(seen, 206, content[start:], {**headers, **span})

    def _answer(self, seen: Seen, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        owner = self.server.owner
        seen.status = status
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **owner.headers, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        end = owner.cuts.pop(0) if owner.cuts and status in (200, 206) else len(body)
        pause = end if owner.hold_after is None else min(end, owner.hold_after)
        seen.sent = end  # before the client can have it all, and ask
        self.wfile.write(body[:pause])
        if pause < end:
            owner.held.set()
            owner.go_on.wait()
            self.wfile.write(body[pause:end])
