"""A server that answers POST /api/dashboards/db as Grafana 11 does, as far as loading a dashboard goes.

Source:
    Grafana's HTTP API (grafana.com/docs/grafana/latest/developers/http_api/dashboard) for paths, fields and status
    codes; its words for what goes wrong.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EDITOR, VIEWER = "glsa_editor", "glsa_viewer"


@dataclass
class Grafana:
    """What it holds. `path` is where its pages are, e.g. "/grafana"; a login page before it takes every request."""

    path: str = ""
    behind_login: bool = False
    folders: set[str] = field(default_factory=lambda: {"", "ml"})
    provisioned: set[str] = field(default_factory=set)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    url: str = ""

    def post(self, path: str, token: str, content: bytes) -> tuple[int, dict[str, Any]]:
        """The status and the answer to one request."""
        if path != f"{self.path}/api/dashboards/db":
            return 404, {"message": "Not found", "traceID": ""}
        if token not in (f"Bearer {EDITOR}", f"Bearer {VIEWER}"):
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401, "traceID": ""}
        try:
            asked = json.loads(content)
            wanted = asked["dashboard"]
        except (ValueError, KeyError, TypeError):
            return 400, {"message": "bad request data", "traceID": ""}
        if token == f"Bearer {VIEWER}":
            needed = "You'll need additional permissions to perform this action. Permissions needed: dashboards:create"
            return 403, {"accessErrorId": "ACE1", "message": needed, "title": "Access denied"}
        return self._save(wanted, asked)

    def _save(self, wanted: dict[str, Any], asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        uid, title = wanted.get("uid") or "made-up", str(wanted.get("title", "")).strip()
        if not title:
            return 400, {"message": "Dashboard title cannot be empty", "status": "empty-name"}
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid):
            return 400, {"message": "uid contains illegal characters"}
        if asked.get("folderUid", "") not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        before = self.dashboards.get(uid)
        if before and not asked.get("overwrite") and wanted.get("version") != before["version"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        version = before["version"] + 1 if before else 1
        self.dashboards[uid] = {**wanted, "version": version, "folderUid": asked.get("folderUid", "")}
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        url = f"{self.path}/d/{uid}/{slug}"
        return 200, {"id": 1, "uid": uid, "url": url, "status": "success", "version": version, "slug": slug}


@contextmanager
def listening(grafana: Grafana) -> Iterator[Grafana]:
    """It answers at `grafana.url` while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if grafana.behind_login:
                self.send_response(302)
                self.send_header("Location", "/oauth2/sign_in")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status, told = grafana.post(self.path, self.headers.get("Authorization", ""), content)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        grafana.url = f"http://127.0.0.1:{server.server_address[1]}{grafana.path}"
        try:
            yield grafana
        finally:
            server.shutdown()
            thread.join()
