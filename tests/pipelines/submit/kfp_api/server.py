"""The HTTP server: routes, who may come in, and planned accidents."""

import json
import re
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.pipelines.submit.kfp_api.pipelines import Pipelines
from tests.pipelines.submit.kfp_api.pods import Pods
from tests.pipelines.submit.kfp_api.runs import Runs
from tests.pipelines.submit.kfp_api.wire import DENIED, INVALID, UNKNOWN_USER, Answer, Refusal, UploadRefusal, told
from tests.pipelines.submit.kfp_api.workflow import TICK_S

_API = "/apis/v2beta1"
_ID = "([^/:]+)"
_LOGIN_PAGE = "<!DOCTYPE html><html><body>Log in to Your Account</body></html>"


class Clock:
    """The server's own time, which moves only when a run is looked at, or when a test moves it."""

    def __init__(self):
        self.now = float(int(time.time()))

    def tick(self):
        self.now += TICK_S

    def stamp(self, at=None):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now if at is None else at))


@dataclass
class Request:
    method: str
    path: str
    headers: object  # finds names whatever the case of their letters
    body: bytes
    parameters: dict

    def json(self):
        if "json" not in self.headers.get("Content-Type", ""):
            raise Refusal(INVALID, "not JSON")
        return json.loads(self.body)

    def query(self, *known):
        """The query's parameters, which must be among those that the endpoint knows."""
        for name in self.parameters:
            if name not in known:
                raise Refusal(INVALID, f"{self.path} knows no parameter {name!r}")
        return self.parameters


@dataclass
class Accident:
    """Instead of an answer: another one, or a broken connection. `after` lets the server do what it was asked first."""

    path: str
    times: int
    answer: Answer | None = None
    after: bool = False
    method: str = ""


@dataclass
class KfpApi:
    """`ui`: KFP_HOST is the UI's server, as mostly; or the API server itself. `below` is the path where it is."""

    multi_user: bool = False
    namespaces: tuple = ()
    token: str = ""
    cookie: str = ""
    ui: bool = True
    below: str = ""
    certificate: object = None
    is_ready: bool = True
    heard: list = field(default_factory=list)
    accidents: list = field(default_factory=list)

    def __post_init__(self):
        self.clock = Clock()
        self.pipelines = Pipelines(self.clock)
        self.runs = Runs(self.clock, self.pipelines)
        self.pods = Pods(self.runs, self.multi_user)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self._lock = threading.Lock()

    @property
    def host(self):
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}{self.below}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sent(self, method, path):
        """The requests of this kind that came."""
        return [request for request in self.heard if (request.method, request.path) == (method, f"{_API}{path}")]

    def answer(self, request):
        """What the request gets; None where the connection breaks."""
        with self._lock:
            self.heard.append(request)
            accident = next((a for a in self.accidents if self._strikes(a, request)), None)
            if accident:
                accident.times -= 1
                if accident.after:
                    self._served(request)
                return accident.answer
            return self._served(request)

    def _strikes(self, accident, request):
        return accident.times > 0 and accident.path in request.path and accident.method in ("", request.method)

    def _served(self, request):
        try:
            refusal = self._stranger(request)
            return refusal or self._route(request)
        except (Refusal, UploadRefusal) as error:
            return error.answer

    def _stranger(self, request):
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return Refusal(UNKNOWN_USER, "Request header error: there is no user identity header.").answer
        if self.cookie and self.cookie not in request.headers.get("Cookie", ""):
            return Answer(302, _LOGIN_PAGE, {"Location": "/dex/auth?client_id=kubeflow", "Content-Type": "text/html"})
        if not self.multi_user or request.path.endswith("/healthz"):
            return None
        namespace = request.parameters.get("namespace") or request.parameters.get("podnamespace")
        if namespace is None and "json" in request.headers.get("Content-Type", "") and request.body:
            namespace = json.loads(request.body).get("namespace")
        if namespace and namespace not in self.namespaces:
            raise Refusal(
                DENIED,
                f"Failed to list. Check if you have read permission to namespace {namespace}: PermissionDenied: "
                f"User 'ada@example.com' is not authorized (request: &ResourceAttributes{{Namespace:{namespace}}})",
            )
        return None

    def _route(self, request):
        for method, pattern, handler in self._routes():
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                return handler(request, *match.groups())
        if self.ui and request.method == "GET":
            return self.pods.start_page()
        return Answer(404, "404 page not found", {"Content-Type": "text/plain"})

    def _health(self, _request):
        """The UI's server answers for the API server, and says so when that does not answer (handlers/healthz.ts)."""
        if not self.ui:
            return Answer(body={"multi_user": self.multi_user, "tag_name": "2.16.0", "pipeline_store": "database"})
        found = {"apiServerReady": self.is_ready, "frontendTagName": "2.16.0"}
        return Answer(body={**found, "multi_user": self.multi_user} if self.is_ready else found)

    def _routes(self):
        p, r, pods = self.pipelines, self.runs, self.pods
        yield "GET", f"{_API}/healthz", self._health
        yield "GET", f"{_API}/pipelines", p.list
        yield "POST", f"{_API}/pipelines", p.create
        yield "POST", f"{_API}/pipelines/upload_version", p.upload_version
        yield "GET", f"{_API}/pipelines/{_ID}/versions", p.list_versions
        yield "GET", f"{_API}/pipelines/{_ID}/versions/{_ID}", p.get_version
        yield "GET", f"{_API}/experiments", r.list_experiments
        yield "POST", f"{_API}/experiments", r.create_experiment
        yield "POST", f"{_API}/runs", r.create_run
        yield "GET", f"{_API}/runs", r.list_runs
        yield "GET", f"{_API}/runs/{_ID}", r.get_run
        yield "POST", f"{_API}/runs/{_ID}:terminate", r.terminate
        yield "POST", f"{_API}/recurringruns", r.create_recurring
        yield "GET", f"{_API}/recurringruns", r.list_recurring
        yield "POST", f"{_API}/recurringruns/{_ID}:(enable|disable)", r.change_recurring
        yield "DELETE", f"{_API}/recurringruns/{_ID}", r.delete_recurring
        if self.ui:
            yield "GET", "/k8s/pod/logs", pods.ui_log
            yield "GET", "/k8s/pod", pods.ui_pod
        else:
            yield "GET", f"/apis/v1alpha1/runs/{_ID}/nodes/{_ID}/log", pods.api_log


def _handler(api):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self):
            url = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not url.path.startswith(api.below):
                self._send(Answer(404, "default backend - 404", {"Content-Type": "text/plain"}))
                return
            path = urllib.parse.unquote(url.path.removeprefix(api.below))
            parameters = dict(urllib.parse.parse_qsl(url.query))
            answer = api.answer(Request(self.command, path, self.headers, body, parameters))
            if answer is None:
                self.close_connection = True
                return
            self._send(answer)

        do_GET = do_POST = do_DELETE = _serve

        def _send(self, answer):
            is_text = isinstance(answer.body, str)
            content = (answer.body if is_text else json.dumps(_told(answer))).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    return Handler


def _told(answer):
    """healthz is written by hand, so that it says false; so are errors and pods."""
    if answer.status != 200 or {"multi_user", "apiServerReady", "metadata"} & set(answer.body):
        return answer.body
    return told(answer.body)
